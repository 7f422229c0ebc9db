"""The density of a project's activity over HTTP: how many events there were in equal spans of time."""

from datetime import datetime
from typing import Any

import pytest

from infra.ids import new_id
from projections.activity_density import bucket_starts
from tests.api.endpoints.test_history import eventful_task, items_of
from tests.api.problems import assert_problem
from tests.api_user import ApiUser

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def density_of(who: ApiUser, **query: Any) -> dict[str, Any]:
    who.fold()
    answer = await who.request("GET", f"/projects/{who.project}/activity/density", params=query)
    assert answer.status_code == 200, answer.text
    density: dict[str, Any] = answer.json()
    return density


async def test_the_counts_add_up_to_the_history_of_the_project(ann: ApiUser) -> None:
    await eventful_task(ann)
    times = [datetime.fromisoformat(item["at"]) for item in await items_of(ann, f"/projects/{ann.project}/history")]
    density = await density_of(ann)
    assert len(density["counts"]) == 100
    assert sum(density["counts"]) == len(times)
    assert datetime.fromisoformat(density["from"]) == min(times)
    assert datetime.fromisoformat(density["to"]) > max(times)


@pytest.mark.parametrize("buckets", [1, 2, 7, 1_000])
async def test_each_event_is_counted_in_its_bucket(ann: ApiUser, buckets: int) -> None:
    await eventful_task(ann)
    times = [datetime.fromisoformat(item["at"]) for item in await items_of(ann, f"/projects/{ann.project}/history")]
    start, end = sorted(times)[2], sorted(times)[-2]
    density = await density_of(ann, **{"from": start.isoformat(), "to": end.isoformat(), "buckets": buckets})
    counts = [0] * buckets
    for at in (one for one in times if start <= one < end):
        counts[max(number for number, begin in enumerate(bucket_starts(start, end, buckets)) if begin <= at)] += 1
    assert density["counts"] == counts


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("from=2026-12-01T00:00:00Z&to=2026-12-01T00:00:00Z", "?from"),
        ("from=2026-12-02T00:00:00Z&to=2026-12-01T00:00:00Z", "?from"),
        ("from=9999-12-01T00:00:00Z", "?from"),
        ("to=2001-12-01T00:00:00Z", "?to"),
        ("from=yesterday", "?from"),
        ("to=2026-12-01", "?to"),
        ("buckets=0", "?buckets"),
        ("buckets=1001", "?buckets"),
        ("buckets=x", "?buckets"),
        ("from_=2026-12-01T00:00:00Z", "?from_"),
    ],
)
async def test_a_wrong_span_is_refused(shared_user: ApiUser, query: str, pointer: str) -> None:
    answer = await shared_user.request("GET", f"/projects/{shared_user.project}/activity/density?{query}")
    problem = assert_problem(answer, 400, "unknown_parameter" if pointer == "?from_" else "invalid_parameter")
    assert [error["pointer"] for error in problem["errors"]] == [pointer]


async def test_a_density_is_for_members(ann: ApiUser, bob: ApiUser) -> None:
    for project in (ann.project, new_id()):
        assert_problem(await bob.request("GET", f"/projects/{project}/activity/density"), 404, "not_found")


async def test_a_span_at_the_ends_of_the_calendar_is_counted(shared_user: ApiUser) -> None:
    density = await density_of(shared_user, **{"from": "0001-01-01T00:00:00Z", "to": "9999-12-31T23:59:59Z"})
    assert sum(density["counts"]) == len(await items_of(shared_user, f"/projects/{shared_user.project}/history"))
