"""Pages of the smaller lists: full, in order, and each with a cursor that is good for that list alone."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias
from uuid import UUID

import pytest

from projections.pagination import PageCursor, list_id_for
from tests.api import paging
from tests.api.paging import Listed
from tests.api.problems import refused
from tests.visitor import Visitor

pytestmark = pytest.mark.asyncio(loop_scope="package")

Opening: TypeAlias = Callable[[Visitor], Awaitable[Listed]]
KINDS = [paging.workspaces, paging.members, paging.projects, paging.labels, paging.invitations]
of_each_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
ID = "01a1fdb9-ff86-71a3-b8d1-8de7b10a6519"


@of_each_kind
@pytest.mark.parametrize("limit", [1, 2, 7])
async def test_what_stays_in_a_list_is_on_exactly_one_page_while_others_come_and_go(
    host: Visitor, kind: Opening, limit: int
) -> None:
    await paging.what_stays_is_on_exactly_one_page(await kind(host), limit)


@of_each_kind
async def test_pages_are_full_and_together_they_are_the_list(host: Visitor, kind: Opening) -> None:
    listed = await kind(host)
    await paging.filled(listed)
    whole = (await host.get(listed.path))["items"]
    for limit in (1, 2, 7, len(whole), 200):
        shown, path = list[dict[str, Any]](), f"{listed.path}?limit={limit}"
        while path:
            answer = await host.ask("GET", path)
            assert len(answer.json()["items"]) == min(limit, len(whole) - len(shown))
            shown += answer.json()["items"]
            path = paging.following(answer) or ""
        assert shown == whole


@of_each_kind
async def test_a_cursor_is_good_for_its_own_list_only(host: Visitor, kind: Opening) -> None:
    listed = await kind(host)
    await paging.filled(listed)
    cursor = (await host.get(f"{listed.path}?limit=1"))["next_cursor"]
    guest = await Visitor.settled(host.client, host.fold, "Guest")
    of_guest = listed.path.replace(host.workspace, guest.workspace)
    refused(await guest.ask("GET", f"{of_guest}?cursor={cursor}"), 400, "cursor_mismatch")
    for other in {path.format(host.workspace) for path in paging.PATHS.values()} - {listed.path}:
        refused(await host.ask("GET", f"{other}?cursor={cursor}"), 400, "cursor_mismatch")
    refused(await host.ask("GET", f"{listed.path}?cursor={cursor[:-3]}"), 400, "bad_cursor")
    refused(await host.ask("GET", f"{listed.path}?cursor={cursor[:20]}{cursor}"), 400, "bad_cursor")


NAMES: list[Any] = [None, 7, "a", [], ["a"], [1, ID], ["a", "b"], [None, ID], {"name": "a"}]
TIMES: list[Any] = [None, 7, ID, [], ["soon", ID], ["2026-12-01T00:00:00Z", "b"], ["2026-02-30T00:00:00Z", ID]]
PLACES: dict[str, list[Any]] = {
    "workspaces": TIMES,
    "members": NAMES,
    "projects": [None, 7, "", "kit", "K\0", "K\n", "K" * 21, ["KIT"]],
    "labels": NAMES,
    "invitations": TIMES,
}


@pytest.mark.parametrize("name", PLACES)
async def test_a_place_that_no_list_has_is_no_cursor(house: Visitor, name: str) -> None:
    whose = UUID(house.id if name == "workspaces" else house.workspace)
    this = list_id_for(whose, name, {"archived": False} if name == "projects" else {})
    for place in PLACES[name]:
        path = f"{paging.PATHS[name].format(house.workspace)}?cursor={PageCursor(this, place).encode()}"
        refused(await house.ask("GET", path), 400, "bad_cursor")


@pytest.mark.parametrize("time", ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "2026-12-01T00:00:00"])
@pytest.mark.parametrize("name", ["workspaces", "invitations"])
async def test_a_time_at_the_end_of_the_calendar_is_a_place_or_none(house: Visitor, name: str, time: str) -> None:
    this = list_id_for(UUID(house.id if name == "workspaces" else house.workspace), name, {})
    path = f"{paging.PATHS[name].format(house.workspace)}?cursor={PageCursor(this, [time, ID]).encode()}"
    assert (await house.ask("GET", path)).status_code in {200, 400}


@pytest.mark.parametrize("name", ["\u0390" * 100, "\U0001f6d2" * 100, '"' * 100], ids=["Greek", "carts", "quotes"])
async def test_a_cursor_holds_the_longest_name(ann: Visitor, name: str) -> None:
    """Of any letters: the first of these is six bytes in any case of letters."""
    user = await paging.registered(ann, name)
    last = await paging.registered(ann, "\U0001f6d2" * 100)
    for one in (user, last):
        await ann.ask("PUT", f"/workspaces/{ann.workspace}/members/{one}", json={"role": "member"})
    await ann.task(labels=["a", name, "\U0001f6d2" * 99 + "\U0001f6d3"])
    for path in (f"/workspaces/{ann.workspace}/members", f"/workspaces/{ann.workspace}/labels"):
        whole = [item["id"] for item in (await ann.get(path))["items"]]
        page = await ann.get(f"{path}?limit=2")
        rest = await ann.get(f"{path}?cursor={page['next_cursor']}")
        assert [item["id"] for item in (*page["items"], *rest["items"])] == whole
        assert len(rest["items"]) == 1
