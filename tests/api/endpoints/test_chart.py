"""Charts over HTTP: what is drawn day by day is what is drawn at the end, for any filter; and what is refused."""

from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import pytest

from infra.settings import Settings
from tests.api.endpoints.test_trash import purge_all
from tests.api.problems import assert_problem
from tests.api_user import ApiUser

pytestmark = pytest.mark.asyncio(loop_scope="package")

CHARTS = ("cumulative-flow", "burndown", "throughput", "cycle-time", "ageing")


async def chart(user: ApiUser, name: str, **query: str) -> list[dict[str, Any]]:
    text = "&".join(f"{key}={quote(value)}" for key, value in query.items())
    body = await user.get(f"/projects/{user.project}/charts/{name}?{text}")
    (parts,) = body.values()
    return list(parts)


async def change(user: ApiUser, method: str, path: str, **body: Any) -> None:
    response = await user.request(method, path, json=body or None, headers={"If-Match": "*"})
    assert response.is_success, response.text


async def test_a_board_is_counted_by_column_and_status(ann: ApiUser) -> None:
    milk, bread, oats = [await ann.create_task(title, estimate=30) for title in ("Milk", "Bread", "Oats")]
    await change(ann, "POST", f"/tasks/{milk}/move", column="doing")
    await change(ann, "POST", f"/tasks/{bread}/complete")
    await change(ann, "POST", f"/tasks/{bread}/archive")
    await change(ann, "DELETE", f"/tasks/{oats}")
    assert [point["counts"] for point in await chart(ann, "cumulative-flow")][-1] == {"doing": 1, "todo": 1}
    sums = {"open": 1, "done": 1, "open_estimate": 30, "done_estimate": 30}
    assert {name: (await chart(ann, "burndown"))[-1][name] for name in sums} == sums
    flow = await chart(ann, "throughput")
    assert sum(span["created"] for span in flow) == 3
    assert [(span["completed"], span["reopened"]) for span in flow if span["completed"]] == [(1, 0)]
    (taken,) = [span for span in await chart(ann, "cycle-time") if span["completed"]]
    assert taken["lead_time"]["p50"] >= 0 <= taken["cycle_time"]["p95"]
    assert [(one["column"], one["count"]) for one in (await chart(ann, "ageing"))[-1]["columns"]] == [("doing", 1)]
    assert (await chart(ann, "ageing"))[0]["columns"] == []


async def test_a_filter_is_about_the_tasks_as_they_were(ann: ApiUser) -> None:
    milk = await ann.create_task("Milk", labels=["shop"])
    labelled = datetime.now(UTC).isoformat()
    await ann.post(f"/tasks/{milk}/unlabel", label="shop")
    for filter_, count in (("label:shop", 1), ("label:none", 0), ("milk", 1), ("oats", 0), ("is:overdue", 0)):
        points = await chart(ann, "cumulative-flow", filter=filter_, to=labelled)
        assert sum(points[-1]["counts"].values()) == count, filter_
    assert (await chart(ann, "cumulative-flow", filter="label:shop"))[-1]["counts"] == {}
    assert (await chart(ann, "cumulative-flow", filter="was(label:shop)"))[-1]["counts"] == {"todo": 1}


async def test_spans_are_those_of_the_time_zone(ann: ApiUser) -> None:
    await change(ann, "PATCH", "/auth/me", zone="Pacific/Kiritimati")
    points = await chart(ann, "burndown", **{"from": "2026-10-01T00:00:00Z", "to": "2026-10-03T00:00:00Z"})
    assert [point["at"] for point in points] == [
        "2026-10-01T00:00:00Z",
        "2026-10-01T10:00:00Z",
        "2026-10-02T10:00:00Z",
        "2026-10-03T00:00:00Z",
    ]


async def test_what_was_purged_is_in_no_chart(ann: ApiUser, settings: Settings) -> None:
    task = await ann.create_task("Milk")
    await change(ann, "POST", f"/tasks/{task}/complete")
    assert sum(span["completed"] for span in await chart(ann, "throughput")) == 1
    await change(ann, "DELETE", f"/tasks/{task}")
    await purge_all(ann, settings)
    times = {"at", "since", "until"}
    for name in CHARTS:
        parts = await chart(ann, name)
        assert not any(value for part in parts for key, value in part.items() if key not in times), name


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("from=2026-10-02T00:00:00Z&to=2026-10-01T00:00:00Z", 400, "invalid_parameter"),
        ("from=2020-01-01T00:00:00Z&to=2026-10-01T00:00:00Z&bucket=day", 400, "invalid_parameter"),
        ("from=0001-01-01T00:00:00Z", 400, "invalid_parameter"),
        ("to=0001-01-01T00:00:00Z", 400, "invalid_parameter"),
        ("to=2999-01-01T00:00:00Z", 422, "in_the_future"),
        ("bucket=year", 400, "invalid_parameter"),
        ("from=yesterday", 400, "invalid_parameter"),
        ("filter=colour:red", 400, "unknown_field"),
    ],
)
async def test_other_times_and_filters_are_refused(ann: ApiUser, query: str, status: int, code: str) -> None:
    for name in CHARTS:
        assert_problem(await ann.request("GET", f"/projects/{ann.project}/charts/{name}?{query}"), status, code)


async def test_strangers_see_no_chart(ann: ApiUser, bob: ApiUser) -> None:
    for name in CHARTS:
        assert_problem(await bob.request("GET", f"/projects/{ann.project}/charts/{name}"), 404, "not_found")
