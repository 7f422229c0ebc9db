"""Task lists over HTTP: filters, sort orders, pages, and refused parameters."""

from base64 import urlsafe_b64decode
from datetime import timedelta
from typing import Any
from urllib.parse import quote
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import httpx
import msgspec
import pytest

from infra.clock import now
from infra.ids import new_id
from projections.pagination import PageCursor
from tests.api.problems import assert_problem
from tests.api_user import ApiUser

pytestmark = pytest.mark.asyncio(loop_scope="package")

INVALID_QUERIES = {
    "limit=-1": "invalid_parameter",
    "limit=0": "invalid_parameter",
    "limit=201": "invalid_parameter",
    "limit=100000000000000000000": "invalid_parameter",
    "limit=ten": "invalid_parameter",
    "limit=null": "invalid_parameter",
    "limit=1&limit=2": "repeated_parameter",
    "filter=a&filter=b": "repeated_parameter",
    "shape=round": "unknown_parameter",
    "offset=10": "unknown_parameter",
    "sort=name": "invalid_parameter",
    "sort=": "invalid_parameter",
    "sort=--due": "invalid_parameter",
    "sort=due,key": "invalid_parameter",
    "sort=relevance": "sort_needs_text",
    "sort=-relevance&filter=-milk": "sort_needs_text",
    "count=true": "invalid_parameter",
    "count=Exact": "invalid_parameter",
    "count=": "invalid_parameter",
    "fields=": "invalid_parameter",
    "fields=id,": "invalid_parameter",
    "fields=id,shape": "invalid_parameter",
    "fields=id,due_at": "invalid_parameter",
    "fields=id,title,id": "invalid_parameter",
    "fields=ID": "invalid_parameter",
    "cursor=": "bad_cursor",
    "cursor=x": "bad_cursor",
    "cursor=W10": "bad_cursor",
    "cursor=%00": "bad_cursor",
    "cursor=%C3%A9": "bad_cursor",
    "cursor=" + "a" * 1_001: "invalid_parameter",
    "cursor=" + "W" * 400: "bad_cursor",
    "filter=status%3A": "filter_syntax",
    "filter=%22open": "filter_syntax",
    "filter=(a": "filter_syntax",
    "filter=%00": "filter_syntax",
    "filter=%FF": "filter_syntax",
    "filter=shape:round": "unknown_field",
    "filter=status:closed": "filter_value",
    "filter=due<2026-02-30": "filter_value",
    "filter=due<0000-01-01": "filter_value",
    "filter=due<10000-01-01": "filter_value",
    "filter=created>now": "filter_value",
    "filter=priority:9": "filter_value",
    "filter=" + quote(" ".join(["status:open"] * 1_000)): "filter_too_long",
    "filter=" + "a" * 4_001: "filter_too_long",
    "min_position=-1": "invalid_parameter",
}


@pytest.mark.parametrize("asked", INVALID_QUERIES, ids=lambda text: text[:40])
async def test_invalid_queries_are_refused_by_every_list(shared_user: ApiUser, asked: str) -> None:
    for path in ("/tasks", f"/projects/{shared_user.project}/tasks"):
        assert_problem(await shared_user.request("GET", f"{path}?{asked}"), 400, INVALID_QUERIES[asked])


@pytest.mark.parametrize(
    ("body", "code", "pointer"),
    [
        ({"shape": "round"}, "invalid_body", "#/shape"),
        ({"limit": 0}, "invalid_body", "#/limit"),
        ({"limit": 201}, "invalid_body", "#/limit"),
        ({"limit": 10**20}, "invalid_body", "#/limit"),
        ({"limit": "1"}, "invalid_body", "#/limit"),
        ({"limit": None}, "invalid_body", "#/limit"),
        ({"sort": "name"}, "invalid_body", "#/sort"),
        ({"filter": 1}, "invalid_body", "#/filter"),
        ({"fields": "id,shape"}, "invalid_body", "#/fields"),
        ({"fields": "id,id"}, "invalid_body", "#/fields"),
        ({"count": "all"}, "invalid_body", "#/count"),
        ({"cursor": "x"}, "bad_cursor", None),
        ({"filter": "status:"}, "filter_syntax", None),
        ({"sort": "relevance"}, "sort_needs_text", None),
        ({"dry_run": True}, "invalid_body", "#/dry_run"),
        ([], "invalid_body", "#"),
    ],
)
async def test_invalid_queries_are_refused_in_a_search_body(
    shared_user: ApiUser, body: Any, code: str, pointer: str | None
) -> None:
    problem = assert_problem(await shared_user.request("POST", "/tasks/search", json=body), 400, code)
    assert pointer is None or problem["errors"][0]["pointer"] == pointer


async def test_a_search_takes_no_query_parameters(shared_user: ApiUser) -> None:
    for parameter in ("limit=1", "filter=a", "dry_run=true"):
        assert_problem(
            await shared_user.request("POST", f"/tasks/search?{parameter}", json={}), 400, "unknown_parameter"
        )


@pytest.mark.parametrize("asked", ["limit=0", "limit=201", "cursor=x", "sort=due", "fields=id", "shape=round"])
async def test_a_board_takes_a_filter_and_a_limit(shared_user: ApiUser, asked: str) -> None:
    assert_problem(await shared_user.request("GET", f"/projects/{shared_user.project}/board?{asked}"), 400)
    assert_problem(
        await shared_user.request("GET", f"/projects/{shared_user.project}/board?filter=status%3A"),
        400,
        "filter_syntax",
    )
    assert_problem(await shared_user.request("GET", f"/projects/{new_id()}/board"), 404, "not_found")


async def titles(visitor: ApiUser, path: str = "/tasks", **asked: Any) -> list[str]:
    """The titles of all tasks in a list, over all its pages."""
    shown = list[str]()
    visitor.fold()
    while True:
        answer = await visitor.request("GET", path, params={"limit": 2, **asked})
        assert answer.status_code == 200, answer.text
        shown += [item["title"] for item in answer.json()["items"]]
        asked["cursor"] = answer.json()["next_cursor"]
        if not asked["cursor"]:
            return shown


async def test_a_filter_selects_tasks_of_the_users_workspaces_only(ann: ApiUser, bob: ApiUser) -> None:
    await ann.create_task("Milk", labels=["Shop"], priority="high", due="2026-12-01")
    await ann.create_task("Bread", assignees=[ann.id])
    other = (await ann.post("/workspaces", name="Work"))["id"]
    office = (await ann.post(f"/workspaces/{other}/projects", name="Office", key="OFF"))["id"]
    paper = (await ann.post(f"/projects/{office}/tasks", title="Paper", assignees=[ann.id]))["id"]
    await ann.post(f"/tasks/{paper}/complete")
    await bob.create_task("Milk of Bob")
    assert set(await titles(ann)) == {"Milk", "Bread", "Paper"}
    for filter_, expected in {
        "assignee:me": ["Bread", "Paper"],
        "assignee:me status:open": ["Bread"],
        "label:shop": ["Milk"],
        "-label:shop project:KIT": ["Bread"],
        "project:off": ["Paper"],
        "priority>=medium": ["Milk"],
        "due<2026-12-02": ["Milk"],
        "due:none": ["Bread", "Paper"],
        "key:OFF-1": ["Paper"],
        "column:todo": ["Milk", "Bread", "Paper"],
        "created>=today": ["Milk", "Bread", "Paper"],
        "updated<yesterday": [],
        '"milk" -bread': ["Milk"],
    }.items():
        assert await titles(ann, filter=filter_, sort="created") == expected, filter_
    assert await titles(ann, f"/projects/{ann.project}/tasks", filter="status:open -milk") == ["Bread"]
    assert await titles(ann, f"/projects/{ann.project}/tasks", filter="project:OFF") == []


async def test_people_are_named_by_name_or_address(ann: ApiUser, bob: ApiUser) -> None:
    await ann.create_task("Milk", assignees=[ann.id])
    await ann.create_task("Bread")
    await bob.create_task("Milk of Bob", assignees=[bob.id])
    me = await ann.get("/auth/me")
    first = me["name"].split()[0].upper()
    for filter_, expected in {
        f"assignee:{first}": ["Milk"],
        f'assignee:"{me["name"]}"': ["Milk"],
        f"assignee:{me['email']}": ["Milk"],
        f"-assignee:{first}": ["Bread"],
        "assignee:nobody-here": [],
        f"no:assignee or assignee:{first}": ["Milk", "Bread"],
    }.items():
        assert await titles(ann, filter=filter_, sort="created") == expected, filter_
    them = await bob.get("/auth/me")
    assert await titles(ann, filter=f"assignee:{them['email']}") == []
    await ann.request("PUT", f"/workspaces/{ann.workspace}/members/{bob.id}", json={"role": "member"})
    ann.fold()
    await ann.post("/tasks/KIT-2/assign", user_id=bob.id)
    assert await titles(ann, filter=f"assignee:{them['email']}") == ["Bread"]


async def test_people_are_found_by_their_new_name_and_address_only(ann: ApiUser) -> None:
    await ann.create_task("Milk", assignees=[ann.id])
    old_email, new_email = ann.email, f"ren\u00e9-{uuid4().hex}@b\u00fccher.example"
    for field, old, new in (("email", old_email, new_email), ("name", "Ann", "Zo\u00eb")):
        for path in ("/tasks", f"/projects/{ann.project}/tasks"):  # so that both are cached
            assert await titles(ann, path, filter=f'assignee:"{old}"') == ["Milk"]
            assert await titles(ann, path, filter=f'created_by:"{new}"') == []
        assert (await ann.request("PATCH", "/auth/me", json={field: new})).status_code == 200
        for path in ("/tasks", f"/projects/{ann.project}/tasks"):
            assert await titles(ann, path, filter=f'assignee:"{old}"') == []
            assert await titles(ann, path, filter=f'created_by:"{new}"') == ["Milk"]
    for spelling in (
        new_email.upper(),
        new_email.replace("b\u00fccher", "xn--bcher-kva"),
        new_email.replace("\u00e9", "e\u0301"),
    ):
        assert await titles(ann, filter=f'assignee:"{spelling}"') == ["Milk"], spelling
    picked = await ann.get(f"/workspaces/{ann.workspace}/members?query=zoe")
    assert [one["name"] for one in picked["items"]] == ["Zo\u00eb"]
    assert (await ann.get(f"/workspaces/{ann.workspace}/members?query=ann"))["items"] == []


async def test_days_are_those_of_the_readers_zone(ann: ApiUser) -> None:
    await ann.create_task("Soon", due=(now() + timedelta(hours=1)).isoformat())
    for zone in ("Pacific/Kiritimati", "Etc/GMT+12", None):
        assert (await ann.request("PATCH", "/auth/me", json={"zone": zone})).status_code == 200
        local = (now() + timedelta(hours=1)).astimezone(ZoneInfo(zone or "UTC"))
        ann.fold()
        for path in ("/tasks", f"/projects/{ann.project}/tasks"):
            answer = await ann.request("GET", path, params={"filter": f"due:{local.date()}"})
            assert [item["title"] for item in answer.json()["items"]] == ["Soon"]
            assert answer.headers["taskledger-zone"] == (zone or "UTC")
    assert "taskledger-zone" not in (await ann.request("GET", "/tasks")).headers


async def test_tasks_are_found_by_who_created_them(ann: ApiUser, bob: ApiUser) -> None:
    await ann.request("PUT", f"/workspaces/{ann.workspace}/members/{bob.id}", json={"role": "member"})
    await ann.create_task("Milk")
    await bob.post(f"/projects/{ann.project}/tasks", title="Bread")
    address = (await bob.get("/auth/me"))["email"]
    for filter_, expected in {
        "created_by:me": ["Milk"],
        f"created_by:{address}": ["Bread"],
        "-created_by:me": ["Bread"],
    }.items():
        assert await titles(ann, filter=filter_) == expected


async def test_a_filter_has_groups_prefixes_and_relative_dates(ann: ApiUser) -> None:
    await ann.create_task("Kitchen sink", priority="high", due="2020-01-01")
    await ann.create_task("Bath tiles", description="as in the kitchens", labels=["shop"])
    await ann.create_task("Éclair", due="2999-01-01")
    for filter_, expected in {
        "kitch*": ["Kitchen sink", "Bath tiles"],
        "sink or tile": ["Bath tiles", "Kitchen sink"],
        "(kitchen or eclair) priority:none": ["Bath tiles", "Éclair"],
        "-(kitchen or label:shop)": ["Éclair"],
        "is:overdue OR has:label": ["Bath tiles", "Kitchen sink"],
        "kitchen": ["Kitchen sink", "Bath tiles"],
        "due<today+7d": ["Kitchen sink"],
        "updated>-2w created>=start-of-week-1w no:due": ["Bath tiles"],
        "eclair": ["Éclair"],
    }.items():
        sort = {} if filter_ in {"kitchen", "kitch*"} else {"sort": "title"}
        assert await titles(ann, filter=filter_, **sort) == expected, filter_
    assert await titles(ann, sort="-title") == ["Kitchen sink", "Éclair", "Bath tiles"]
    board = await ann.get(f"/projects/{ann.project}/board?filter=sink or tile or eclair&limit=1")
    column = next(one for one in board["columns"] if one["count"])
    assert (column["count"], len(column["items"])) == (3, 1)
    assert len((await ann.get(column["next"].removeprefix("/api/v1")))["items"]) == 1


async def test_trashed_tasks_and_tasks_of_trashed_projects_are_not_listed(ann: ApiUser) -> None:
    for title in ("Milk", "Bread"):
        await ann.create_task(title)
    other = (await ann.post(f"/workspaces/{ann.workspace}/projects", name="Garden", key="GAR"))["id"]
    await ann.post(f"/projects/{other}/tasks", title="Seeds")
    assert len(await titles(ann)) == 3
    assert (await ann.request("DELETE", "/tasks/KIT-1", headers={"If-Match": '"1"'})).is_success
    assert (await ann.request("DELETE", f"/projects/{other}", headers={"If-Match": '"1"'})).is_success
    assert await titles(ann) == await titles(ann, filter="bread") == ["Bread"]
    assert await titles(ann, f"/projects/{ann.project}/tasks") == ["Bread"]
    assert (await ann.get("/tasks?count=exact"))["count"] == 1
    await ann.post(f"/projects/{other}/restore")
    await ann.post("/tasks/KIT-1/restore")
    assert set(await titles(ann)) == {"Milk", "Bread", "Seeds"}


async def test_each_sort_works_in_both_directions(ann: ApiUser) -> None:
    garden = (await ann.post(f"/workspaces/{ann.workspace}/projects", name="Garden", key="GAR"))["id"]
    await ann.create_task("A", priority="low", due="2026-12-03")
    await ann.create_task("B", priority="urgent", due="2026-12-01T10:00:00Z")
    await ann.create_task("C", due="2026-12-01")
    await ann.create_task("D", priority="high")
    await ann.post(f"/projects/{garden}/tasks", title="E", priority="high")
    ann.fold()
    await ann.post("/tasks/KIT-2/complete")
    for sort, expected in {
        "created": "ABCDE",
        "-created": "EDCBA",
        "updated": "ACDEB",
        "-updated": "BEDCA",
        "title": "ABCDE",
        "-title": "EDCBA",
        "key": "EABCD",
        "-key": "DCBAE",
        "rank": "EABCD",
        "due": "BCADE",
        "-due": "ACBED",
        "priority": "CADEB",
        "-priority": "BEDAC",
    }.items():
        assert "".join(await titles(ann, sort=sort)) == expected, sort
    path = f"/projects/{ann.project}/tasks"
    assert "".join(await titles(ann, path)) == "".join(await titles(ann, path, sort="rank")) == "ABCD"
    assert "".join(await titles(ann, path, sort="-rank")) == "DCBA"
    assert "".join(await titles(ann)) == "BEDCA", "what changed last is first across projects"


async def test_best_matches_come_first_in_both_languages(ann: ApiUser) -> None:
    await ann.create_task("Разное", description="Может быть, там есть молоко")
    await ann.create_task("Купить молока", description="Свежего молока, два литра")
    await ann.create_task("Errands", description="See whether the shop sells bicycles")
    await ann.create_task("Repair the bicycle", description="The old bicycle")
    assert await titles(ann, filter="молоко") == ["Купить молока", "Разное"]
    assert await titles(ann, filter="молоками") == ["Купить молока", "Разное"]
    assert await titles(ann, filter="bicycles") == ["Repair the bicycle", "Errands"]
    assert await titles(ann, filter="bicycles", sort="-relevance") == ["Errands", "Repair the bicycle"]
    assert await titles(ann, filter='"old bicycle"') == ["Repair the bicycle"]
    assert await titles(ann, filter="bicycle -repairing") == ["Errands"]
    assert await titles(ann, f"/projects/{ann.project}/tasks", filter="молоко") == ["Купить молока", "Разное"]
    await ann.post("/tasks/KIT-3/complete")
    assert (
        await ann.request("PATCH", "/tasks/KIT-3", json={"title": "Errands by bicycle", "expected_version": 2})
    ).is_success
    assert await titles(ann, filter="bicycle") == ["Repair the bicycle", "Errands by bicycle"], "the newest first"


async def test_only_requested_fields_are_returned_in_task_order(ann: ApiUser) -> None:
    task = await ann.create_task("Milk", due="2026-12-01")
    (item,) = (await ann.get("/tasks?fields=due,title,id"))["items"]
    assert list(item.items()) == [("id", task), ("title", "Milk"), ("due", "2026-12-01")]
    (whole,) = (await ann.get(f"/projects/{ann.project}/tasks"))["items"]
    single = await ann.get(f"/tasks/{task}")
    assert list(single) == [*whole, "watching"]
    assert single == {**whole, "watching": True}
    problem = assert_problem(await ann.request("GET", "/tasks?fields=id,shape"), 400, "invalid_parameter")
    assert '"shape"' in problem["detail"]
    assert [(one["pointer"], one["code"]) for one in problem["errors"]] == [("?fields", "invalid_value")]


async def test_a_count_covers_all_pages(ann: ApiUser) -> None:
    for number in range(5):
        await ann.create_task(f"Milk {number}")
    await ann.create_task("Bread")
    first = await ann.get("/tasks?filter=milk&limit=2&count=exact")
    assert first["count"] == 5
    cursor = first["next_cursor"]
    assert (await ann.get(f"/tasks?filter=milk&limit=2&count=exact&cursor={cursor}"))["count"] == 5
    assert "count" not in await ann.get("/tasks?filter=milk&limit=2")
    assert (await ann.get(f"/projects/{ann.project}/tasks?count=exact&limit=1"))["count"] == 6


async def test_a_cursor_is_valid_for_its_own_list_only(ann: ApiUser, bob: ApiUser) -> None:
    for number in range(3):
        await ann.create_task(f"Milk {number}")
    await bob.create_task()
    ann.fold()
    path = f"/projects/{ann.project}/tasks"
    for base in ("/tasks", path):
        cursor = (await ann.get(f"{base}?limit=1&filter=milk&sort=key"))["next_cursor"]
        for other in ("filter=milk", "sort=key", "filter=milk&sort=-key", "filter=Milk&sort=key", ""):
            assert_problem(await ann.request("GET", f"{base}?{other}&cursor={cursor}"), 400, "cursor_mismatch")
        elsewhere = path if base == "/tasks" else "/tasks"
        assert_problem(
            await ann.request("GET", f"{elsewhere}?filter=milk&sort=key&cursor={cursor}"), 400, "cursor_mismatch"
        )
        assert_problem(await bob.request("GET", f"/tasks?filter=milk&sort=key&cursor={cursor}"), 400, "cursor_mismatch")
        same = f"{base}?limit=2&fields=title&count=exact&filter=milk&sort=key&cursor={cursor}"
        assert [item["title"] for item in (await ann.get(same))["items"]] == ["Milk 1", "Milk 2"]


@pytest.mark.slow
async def test_a_tampered_cursor_is_refused(ann: ApiUser) -> None:
    for _ in range(2):
        await ann.create_task()
    for sort in ("due", "-due", "key", "-updated", "priority", "rank"):
        cursor = (await ann.get(f"/tasks?limit=1&sort={sort}"))["next_cursor"]
        for place in range(len(cursor)):
            changed = cursor[:place] + ("A" if cursor[place] != "A" else "B") + cursor[place + 1 :]
            assert_problem(await ann.request("GET", f"/tasks?sort={sort}&cursor={changed}"), 400, "bad_cursor")
        for cut in (cursor[:-1], cursor[1:], cursor + "=", cursor + "A", cursor * 2):
            assert_problem(await ann.request("GET", "/tasks", params={"sort": sort, "cursor": cut}), 400, "bad_cursor")


async def test_joining_a_workspace_between_pages_keeps_the_list(ann: ApiUser, bob: ApiUser) -> None:
    for title in ("A", "B", "C"):
        await ann.create_task(title)
        await bob.create_task(f"{title} of Bob")
    page = await ann.get("/tasks?limit=2&sort=created")
    member = f"/workspaces/{bob.workspace}/members/{ann.id}"
    assert (await bob.request("PUT", member, json={"role": "member"})).is_success
    ann.fold()
    following = await ann.get(f"/tasks?sort=created&cursor={page['next_cursor']}")
    assert [item["title"] for item in page["items"]] == ["A", "B"]
    assert [item["title"] for item in following["items"]] == ["B of Bob", "C", "C of Bob"]


async def test_a_search_answers_as_the_list_does_and_its_pages_have_no_address(ann: ApiUser) -> None:
    for title in ("Milk", "Bread", "Milk again"):
        await ann.create_task(title)
    asked: dict[str, Any] = {"filter": "milk", "sort": "-key", "limit": 1, "fields": "id,title", "count": "exact"}
    listed = await ann.get(f"/tasks?{httpx.QueryParams(asked)}")
    found = await ann.request("POST", "/tasks/search", json=asked)
    assert found.json() == listed
    assert "link" not in found.headers
    assert int(found.headers["Taskledger-Position"]) > 0
    following = await ann.post("/tasks/search", **asked, cursor=listed["next_cursor"])
    assert [item["title"] for item in following["items"]] == ["Milk"]
    assert len((await ann.request("POST", "/tasks/search")).json()["items"]) == 3
    again = await ann.request("POST", "/tasks/search", json=asked, headers={"Idempotency-Key": "one"})
    assert again.json() == listed
    assert "idempotent-replayed" not in again.headers


async def test_a_list_waits_for_what_was_written(ann: ApiUser) -> None:
    position = (await ann.post(f"/projects/{ann.project}/tasks", title="Milk"))["position"]
    late = await ann.request("GET", f"/tasks?min_position={position}", headers={"Prefer": "wait=0"})
    assert_problem(late, 503, "projection_behind")
    ann.fold()
    for path in ("/tasks", "/tasks?filter=milk", f"/projects/{ann.project}/board"):
        answer = await ann.request(
            "GET", path, params={**httpx.QueryParams(path.partition("?")[2]), "min_position": position}
        )
        assert int(answer.headers["Taskledger-Position"]) >= position
        assert "Milk" in answer.text
    assert (await ann.request("POST", "/tasks/search", json={"min_position": position})).json()["items"]


async def test_a_board_lists_columns_in_order_with_their_first_tasks(ann: ApiUser) -> None:
    for number in range(1, 6):
        await ann.create_task(f"Milk {number}")
    ann.fold()
    await ann.post("/tasks/KIT-4/move", column="doing", expected_version=1)
    path = f"/projects/{ann.project}/board"
    columns = (await ann.get(f"{path}?limit=2"))["columns"]
    assert [(column["id"], column["name"], column["count"]) for column in columns] == [
        ("todo", "To do", 4),
        ("doing", "In progress", 1),
        ("done", "Done", 0),
    ]
    assert [[item["title"] for item in column["items"]] for column in columns] == [["Milk 1", "Milk 2"], ["Milk 4"], []]
    assert [column["next"] is None for column in columns] == [False, True, True]
    following = await ann.get(columns[0]["next"].removeprefix("/api/v1"))
    assert [item["title"] for item in following["items"]] == ["Milk 3", "Milk 5"]
    assert columns[0]["next_cursor"] in columns[0]["next"]


async def test_a_board_shows_removed_columns_with_tasks_and_applies_its_filter(
    ann: ApiUser,
) -> None:
    for number in range(1, 4):
        await ann.create_task(f"Milk {number}", labels=["shop"] if number > 1 else [])
    columns = [{"id": "doing", "name": "Now", "wip_limit": 3}]
    body = {"columns": columns, "expected_version": 1, "keep": True}
    assert (await ann.request("PUT", f"/projects/{ann.project}/columns", json=body)).is_success
    ann.fold()
    assert (await ann.request("DELETE", "/tasks/KIT-3", headers={"If-Match": '"1"'})).is_success
    path = f"/projects/{ann.project}/board"
    shown = (await ann.get(path))["columns"]
    assert [(one["id"], one["wip_limit"], one["removed"], one["count"]) for one in shown] == [
        ("doing", 3, False, 0),
        ("todo", None, True, 2),
    ]
    chosen = (await ann.get(f"{path}?filter=label:shop milk"))["columns"]
    assert [item["title"] for item in chosen[1]["items"]] == ["Milk 2"]
    assert chosen[1]["count"] == 1


@pytest.mark.parametrize("part", [-1, 1, 99, 2**40])
async def test_a_forged_cursor_is_refused_and_affects_no_other_page(ann: ApiUser, part: int) -> None:
    """A cursor's digest is no secret; its part decides which queries run."""
    for number in range(5):
        await ann.create_task(f"Task {number}")
    path = f"/projects/{ann.project}/tasks?limit=2"
    cursor = (await ann.get(path))["next_cursor"]
    this, (_, *values), _ = msgspec.json.decode(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    forged = PageCursor(UUID(this), (part, *values)).encode()
    assert_problem(await ann.request("GET", f"{path}&cursor={forged}"), 400, "bad_cursor")
    shown = (await ann.get(f"{path}&cursor={cursor}"))["items"]
    assert [item["title"] for item in shown] == ["Task 2", "Task 3"]


async def test_the_last_day_of_the_calendar_is_a_due_date_and_not_none(ann: ApiUser) -> None:
    await ann.create_task("Last", due="9999-12-31")
    path = f"/projects/{ann.project}/tasks?filter=due:"
    assert not (await ann.get(f"{path}none"))["items"]
    (found,) = (await ann.get(f"{path}9999-12-31"))["items"]
    assert found["title"] == "Last"


async def test_a_board_refuses_filters_too_long_for_a_column_link(ann: ApiUser) -> None:
    ann.fold()
    path = f"/projects/{ann.project}/board"
    for filter_, status in ((" ".join(["-a"] * 99), 200), (" ".join(["-a"] * 100), 400), ("a" * 3_900, 400)):
        assert (await ann.request("GET", path, params={"filter": filter_})).status_code == status


async def test_people_have_names_on_request(ann: ApiUser) -> None:
    plain = await ann.create_task("Plain", assignees=[ann.id])
    done = await ann.create_task("Done")
    await ann.post(f"/tasks/{done}/complete")
    person, every = {"id": ann.id, "name": "Ann"}, "assignees,created_by,completed_by"
    shown = await ann.get(f"/tasks/{plain}?expand=assignees")
    assert (shown["assignees"], shown["created_by"], shown["completed_by"]) == ([person], ann.id, None)
    for path in ("/tasks?sort=created", f"/projects/{ann.project}/tasks?sort=created"):
        first, second = (await ann.get(f"{path}&expand={every}"))["items"]
        assert (first["assignees"], first["created_by"], first["completed_by"]) == ([person], person, None)
        assert (second["assignees"], second["completed_by"]) == ([], person)
        assert second["completed_at"] == second["updated_at"]
        (item, _) = (await ann.get(f"{path}&fields=assignees&expand={every}"))["items"]
        assert item == {"assignees": [person]}
    searched = await ann.post("/tasks/search", filter="status:done", expand="completed_by")
    assert [item["completed_by"] for item in searched["items"]] == [person]
    for path in ("/tasks?expand=title", "/tasks?expand=assignees,assignees", f"/tasks/{plain}?expand="):
        assert_problem(await ann.request("GET", path), 400, "invalid_parameter")


async def test_a_name_in_an_answer_changes_its_entity_tag_not_its_version(ann: ApiUser) -> None:
    task = await ann.create_task(assignees=[ann.id])
    ann.fold()
    plain, named = [await ann.request("GET", f"/tasks/{task}{query}") for query in ("", "?expand=assignees")]
    assert plain.headers["etag"] != named.headers["etag"]
    same = await ann.request("GET", f"/tasks/{task}?expand=assignees", headers={"If-None-Match": named.headers["etag"]})
    assert same.status_code == 304
    edit = await ann.request(
        "PATCH", f"/tasks/{task}", json={"title": "x"}, headers={"If-Match": named.headers["etag"]}
    )
    assert edit.status_code == 200


async def test_similar_words_are_found_on_request_after_the_others(ann: ApiUser) -> None:
    ids = {title: await ann.create_task(title=title) for title in ("kitchen", "kitchens", "kitchn", "kitten")}
    similar = {ids["kitchen"], ids["kitchens"]}
    ann.fold()

    async def page(asked: str) -> Any:
        return (await ann.request("GET", f"/projects/{ann.project}/tasks?filter=kitchn&{asked}")).json()

    assert "similar" not in await page("")
    for sort in ("relevance", "-relevance", "title", "-created", "priority"):
        found = await page(f"similar=true&sort={sort}&count=exact")
        assert {item["id"] for item in found["items"]} == {*similar, ids["kitchn"]}
        assert (set(found["similar"]), found["count"]) == (similar, 3)
        shown, more = list[Any](), ""
        while len(shown) < 3:
            one = await page(f"similar=true&sort={sort}&limit=1&fields=title{more}")
            assert [ids[item["title"]] for item in one["items"] if ids[item["title"]] in similar] == one["similar"]
            shown, more = [*shown, *one["items"]], f"&cursor={one['next_cursor']}"
        assert [item["title"] for item in shown] == [item["title"] for item in found["items"]]
    assert (await page("similar=true"))["items"][0]["id"] == ids["kitchn"]
    searched = await ann.request("POST", "/tasks/search", json={"filter": "kitchn", "similar": True})
    assert set(searched.json()["similar"]) == similar
    assert_problem(await ann.request("GET", "/tasks?filter=kitchn&similar=1"), 400, "invalid_parameter")
