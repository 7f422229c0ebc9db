"""Pages of long items: each ends at about a mebibyte, and together they are the list."""

from typing import Any

import msgspec
import pytest

from projections import page_bytes
from tests.api import paginated_lists
from tests.api.paginated_lists import next_page_path
from tests.api.test_pagination import PaginatedListFactory, for_each_list
from tests.api_user import ApiUser

pytestmark = [pytest.mark.asyncio(loop_scope="package"), pytest.mark.slow]

LONG_TEXT = "\U0001f6d2" * 50_000
"""The longest description: 200 kB."""
MEBIBYTE = 1024 * 1024
LIST_PATHS = {
    "tasks": "/tasks?sort=created&limit=200",
    "search": "/tasks?filter=oats&limit=200",
    "project": "/projects/{0.project}/tasks?limit=200",
    "labels": "/projects/{0.project}/tasks?fields=id,labels&limit=200",
    "activity": "/workspaces/{0.workspace}/activity?limit=200",
    "trash": "/workspaces/{0.workspace}/trash?limit=200",
    "filters": "/filters?limit=200",
    "filtered": "/filters/mine/tasks?limit=200",
    "history": "/tasks/KIT-1/history?limit=200",
    "diff": "/diff?scope=project&id={0.project}&limit=200",
}


async def all_pages(user: ApiUser, path: str) -> list[list[dict[str, Any]]]:
    """The items of each page, from the first to the last."""
    user.fold()
    found, next_path = list[list[dict[str, Any]]](), path
    while next_path:
        answer = await user.request("GET", next_path)
        assert answer.status_code == 200, answer.text
        found.append(answer.json()["items"])
        next_path = next_page_path(answer) or ""
    return found


async def add_items(user: ApiUser, count: int, description: str) -> None:
    """Tasks assigned to the user, changes of the first one, saved filters and trash."""
    for number in range(count):
        await user.create_task(f"Oats {number}", description=description, assignees=[user.id], labels=[f"l{number}"])
        trashed = await user.create_task(f"Old {number}")
        await user.request("DELETE", f"/tasks/{trashed}", headers={"If-Match": '"1"'})
        await user.post("/filters", name=f"f{number}", filter="status:open")
    user.fold()
    for number in range(count):
        body = {"description": f"{number}{description[1:]}", "expected_version": number + 1}
        assert (await user.request("PATCH", "/tasks/KIT-1", json=body)).is_success


@pytest.mark.parametrize("kind", ["tasks", "search", "project", "filtered", "history", "activity", "diff"])
async def test_a_page_of_long_items_ends_at_a_mebibyte(ann: ApiUser, kind: str) -> None:
    await add_items(ann, 7, LONG_TEXT)
    path = LIST_PATHS[kind].format(ann)
    ann.fold()
    answer = await ann.request("GET", path)
    assert len(answer.content) <= MEBIBYTE + 1000
    pages = await all_pages(ann, path)
    assert len(pages) > 1
    longest = max(len(msgspec.json.encode(item)) for page in pages for item in page)
    assert all(len(msgspec.json.encode(page)) > MEBIBYTE - longest - 1000 for page in pages[:-1]), (
        "no page is too short"
    )


@pytest.mark.parametrize("max_bytes", [1, 900, 2_500])
@pytest.mark.parametrize("kind", LIST_PATHS)
async def test_short_pages_together_are_the_list(
    ann: ApiUser, kind: str, max_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    await add_items(ann, 3, "Fine ones. " * 20)
    path = LIST_PATHS[kind].format(ann)
    (whole,) = await all_pages(ann, path)
    monkeypatch.setattr(page_bytes, "MAX_PAGE_BYTES", max_bytes)
    for limit in (199, 2):
        pages = await all_pages(ann, path.replace("=200", f"={limit}"))
        assert [item for page in pages for item in page] == whole
        assert all(len(page) == 1 or len(msgspec.json.encode(page)) <= max_bytes + 2 for page in pages)
        assert all(len(page) == 1 for page in pages) or max_bytes > 1


@for_each_list
async def test_short_pages_of_the_smaller_lists_together_are_the_list(
    inviter: ApiUser, kind: PaginatedListFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = await kind(inviter)
    await paginated_lists.fill_list(listed)
    (whole,) = await all_pages(inviter, f"{listed.path}?limit=200")
    monkeypatch.setattr(page_bytes, "MAX_PAGE_BYTES", 500)
    pages = await all_pages(inviter, f"{listed.path}?limit=199")
    assert len(pages) > 1
    assert [item for page in pages for item in page] == whole


async def test_the_columns_of_a_board_share_a_mebibyte_and_link_to_the_rest(ann: ApiUser) -> None:
    for number in range(9):
        await ann.create_task(str(number), description=LONG_TEXT, column=("todo", "doing")[number % 2])
    ann.fold()
    answer = await ann.request("GET", f"/projects/{ann.project}/board?limit=200")
    assert len(answer.content) <= MEBIBYTE + 1000
    for column, expected in zip(
        answer.json()["columns"], (["0", "2", "4", "6", "8"], ["1", "3", "5", "7"], []), strict=True
    ):
        shown = [item["title"] for item in column["items"]]
        assert len(shown) >= min(1, len(expected))
        if column["next"]:
            pages = await all_pages(ann, column["next"].removeprefix("/api/v1"))
            shown += [item["title"] for page in pages for item in page]
        assert shown == expected


async def test_a_long_page_is_searched_in_a_body_like_in_a_query(ann: ApiUser) -> None:
    await add_items(ann, 6, LONG_TEXT)
    ann.fold()
    first = await ann.post("/tasks/search", filter="oats", limit=200)
    following = await ann.post("/tasks/search", filter="oats", limit=200, cursor=first["next_cursor"])
    assert 0 < len(first["items"]) < 6
    assert sorted(item["title"] for item in first["items"] + following["items"]) == [f"Oats {at}" for at in range(6)]
