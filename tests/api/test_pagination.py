"""Pagination of the smaller lists: full pages, in order, with cursors valid only for their list."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias
from uuid import UUID

import pytest

from projections.pagination import PageCursor, list_id_for
from tests.api import paginated_lists
from tests.api.paginated_lists import PaginatedList
from tests.api.problems import assert_problem
from tests.api_user import ApiUser

pytestmark = [pytest.mark.asyncio(loop_scope="package"), pytest.mark.slow]

PaginatedListFactory: TypeAlias = Callable[[ApiUser], Awaitable[PaginatedList]]
LIST_FACTORIES = [
    paginated_lists.workspaces,
    paginated_lists.members,
    paginated_lists.projects,
    paginated_lists.labels,
    paginated_lists.invitations,
]
for_each_list = pytest.mark.parametrize("kind", LIST_FACTORIES, ids=lambda kind: kind.__name__)
ID = "01a1fdb9-ff86-71a3-b8d1-8de7b10a6519"


@for_each_list
@pytest.mark.parametrize("limit", [1, 2, 7])
async def test_stable_items_are_on_exactly_one_page_during_changes(
    inviter: ApiUser, kind: PaginatedListFactory, limit: int
) -> None:
    await paginated_lists.stable_items_are_on_exactly_one_page(await kind(inviter), limit)


@for_each_list
async def test_pages_are_full_and_together_they_are_the_list(inviter: ApiUser, kind: PaginatedListFactory) -> None:
    listed = await kind(inviter)
    await paginated_lists.fill_list(listed)
    whole = (await inviter.get(listed.path))["items"]
    for limit in (1, 2, 7, len(whole), 200):
        shown, path = list[dict[str, Any]](), f"{listed.path}?limit={limit}"
        while path:
            answer = await inviter.request("GET", path)
            assert len(answer.json()["items"]) == min(limit, len(whole) - len(shown))
            shown += answer.json()["items"]
            path = paginated_lists.next_page_path(answer) or ""
        assert shown == whole


@for_each_list
async def test_a_cursor_is_good_for_its_own_list_only(inviter: ApiUser, kind: PaginatedListFactory) -> None:
    listed = await kind(inviter)
    await paginated_lists.fill_list(listed)
    cursor = (await inviter.get(f"{listed.path}?limit=1"))["next_cursor"]
    guest = await ApiUser.register_with_project(inviter.client, inviter.fold, "Guest")
    of_guest = listed.path.replace(inviter.workspace, guest.workspace)
    assert_problem(await guest.request("GET", f"{of_guest}?cursor={cursor}"), 400, "cursor_mismatch")
    for other in {path.format(inviter.workspace) for path in paginated_lists.LIST_PATHS.values()} - {listed.path}:
        assert_problem(await inviter.request("GET", f"{other}?cursor={cursor}"), 400, "cursor_mismatch")
    assert_problem(await inviter.request("GET", f"{listed.path}?cursor={cursor[:-3]}"), 400, "bad_cursor")
    assert_problem(await inviter.request("GET", f"{listed.path}?cursor={cursor[:20]}{cursor}"), 400, "bad_cursor")


INVALID_NAME_CURSORS: list[Any] = [None, 7, "a", [], ["a"], [1, ID], ["a", "b"], [None, ID], {"name": "a"}]
INVALID_TIME_CURSORS: list[Any] = [
    None,
    7,
    ID,
    [],
    ["soon", ID],
    ["2026-12-01T00:00:00Z", "b"],
    ["2026-02-30T00:00:00Z", ID],
]
INVALID_CURSOR_VALUES: dict[str, list[Any]] = {
    "workspaces": INVALID_TIME_CURSORS,
    "members": INVALID_NAME_CURSORS,
    "projects": [None, 7, "", "kit", "K\0", "K\n", "K" * 21, ["KIT"]],
    "labels": INVALID_NAME_CURSORS,
    "invitations": INVALID_TIME_CURSORS,
}


@pytest.mark.parametrize("name", INVALID_CURSOR_VALUES)
async def test_a_forged_cursor_is_refused(shared_user: ApiUser, name: str) -> None:
    whose = UUID(shared_user.id if name == "workspaces" else shared_user.workspace)
    this = list_id_for(whose, name, {"archived": False} if name == "projects" else {})
    for place in INVALID_CURSOR_VALUES[name]:
        path = paginated_lists.LIST_PATHS[name].format(shared_user.workspace)
        path = f"{path}?cursor={PageCursor(this, place).encode()}"
        assert_problem(await shared_user.request("GET", path), 400, "bad_cursor")


@pytest.mark.parametrize("time", ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "2026-12-01T00:00:00"])
@pytest.mark.parametrize("name", ["workspaces", "invitations"])
async def test_a_cursor_at_the_end_of_the_calendar_works_or_is_refused(
    shared_user: ApiUser, name: str, time: str
) -> None:
    this = list_id_for(UUID(shared_user.id if name == "workspaces" else shared_user.workspace), name, {})
    path = paginated_lists.LIST_PATHS[name].format(shared_user.workspace)
    path = f"{path}?cursor={PageCursor(this, [time, ID]).encode()}"
    assert (await shared_user.request("GET", path)).status_code in {200, 400}


@pytest.mark.parametrize("name", ["\u0390" * 100, "\U0001f6d2" * 100, '"' * 100], ids=["Greek", "carts", "quotes"])
async def test_a_cursor_holds_the_longest_name(ann: ApiUser, name: str) -> None:
    """Keys of any letters: the first of these takes six bytes in upper and lower case."""
    user = await paginated_lists.register_user(ann, name)
    last = await paginated_lists.register_user(ann, "\U0001f6d2" * 100)
    for one in (user, last):
        await ann.request("PUT", f"/workspaces/{ann.workspace}/members/{one}", json={"role": "member"})
    await ann.create_task(labels=["a", name, "\U0001f6d2" * 99 + "\U0001f6d3"])
    for path in (f"/workspaces/{ann.workspace}/members", f"/workspaces/{ann.workspace}/labels"):
        whole = [item["id"] for item in (await ann.get(path))["items"]]
        page = await ann.get(f"{path}?limit=2")
        rest = await ann.get(f"{path}?cursor={page['next_cursor']}")
        assert [item["id"] for item in (*page["items"], *rest["items"])] == whole
        assert len(rest["items"]) == 1
