"""Paginated lists under concurrent changes: every item that stays is on exactly one page, in order."""

from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import httpx
from msgspec import Struct

from tests.api_user import PASSWORD, ApiUser

STABLE_ITEMS = 5
LIST_PATHS = {
    "workspaces": "/workspaces",
    "members": "/workspaces/{}/members",
    "projects": "/workspaces/{}/projects",
    "labels": "/workspaces/{}/labels",
    "invitations": "/workspaces/{}/invitations",
}
"""The path of each list, in a workspace."""


class PaginatedList(Struct, frozen=True):
    """A list at a path, with functions that add and remove its items; the number identifies an item.

    Stable items are added in the order of the list, after existing ones. Adding an item again may create a new one.
    """

    user: ApiUser
    path: str
    add_stable: Callable[[int], Awaitable[str]]
    add: Callable[[int], Awaitable[Any]]
    remove: Callable[[int], Awaitable[Any]]


async def stable_items_are_on_exactly_one_page(paginated: PaginatedList, limit: int) -> None:
    """Add or remove another item after each page; every second time the read models are behind."""
    stay, there = await fill_list(paginated), set(range(0, STABLE_ITEMS, 2))
    paginated.user.fold()
    path: str | None = f"{paginated.path}?limit={limit}"
    shown, turn = list[str](), 0
    while path:
        answer = await paginated.user.request("GET", path)
        shown += _item_ids(answer, limit)
        path, other = next_page_path(answer), turn % STABLE_ITEMS
        await (paginated.remove if other in there else paginated.add)(other)
        there ^= {other}
        turn += 1
        if turn % 2:
            paginated.user.fold()
    assert [one for one in shown if one in stay] == stay


async def fill_list(paginated: PaginatedList) -> list[str]:
    """The ids of the stable items, after adding other items among them."""
    stay = [item["id"] for item in (await paginated.user.get(paginated.path))["items"]]
    for number in range(STABLE_ITEMS):
        if number % 2 == 0:
            await paginated.add(number)
        stay.append(await paginated.add_stable(number))
    return stay


def next_page_path(answer: httpx.Response) -> str | None:
    """The address of the next page, if there is one; the body must agree with the header."""
    path = answer.links["next"]["url"].removeprefix("/api/v1") if "next" in answer.links else None
    cursor = answer.json()["next_cursor"]
    assert (f"cursor={cursor}" in path) if path else cursor is None
    return path


async def projects(host: ApiUser) -> PaginatedList:
    """Projects by key; others are restored and archived."""
    path, made = LIST_PATHS["projects"].format(host.workspace), dict[int, str]()

    async def open_(key: str) -> str:
        return str((await host.post(path, name=key, key=key))["id"])

    async def come(n: int) -> None:
        if n in made:
            await host.post(f"/projects/{made[n]}/restore")
        else:
            made[n] = await open_(f"P{n}A")

    return PaginatedList(
        host, path, lambda n: open_(f"P{n}B"), come, lambda n: host.request("POST", f"/projects/{made[n]}/archive")
    )


async def labels(host: ApiUser) -> PaginatedList:
    """Labels by name; added ones cannot be removed."""
    path = LIST_PATHS["labels"].format(host.workspace)

    async def colour(name: str) -> str:
        return str(_success_json(await host.request("PUT", f"{path}/{quote(name)}", json={"colour": "#cc3300"}))["id"])

    return PaginatedList(
        host, path, lambda n: colour(f"l{n} b"), lambda n: colour(f"L{n} A"), lambda n: colour(f"l{n} a")
    )


async def members(host: ApiUser) -> PaginatedList:
    """Members by name; others are added and removed."""
    path, made = LIST_PATHS["members"].format(host.workspace), dict[int, str]()

    async def join(user: str) -> str:
        _success_json(await host.request("PUT", f"{path}/{user}", json={"role": "member"}))
        return user

    async def stay(n: int) -> str:
        return await join(await register_user(host, f"m{n} B"))

    async def come(n: int) -> None:
        made[n] = await join(made.get(n) or await register_user(host, f"M{n} a"))

    return PaginatedList(host, path, stay, come, lambda n: host.request("DELETE", f"{path}/{made[n]}"))


async def workspaces(host: ApiUser) -> PaginatedList:
    """Workspaces by age; the user is added to those of another user, and removed."""
    other, made = await ApiUser.register_with_project(host.client, host.fold, "Other"), dict[int, str]()

    async def join(workspace: str) -> str:
        path = f"/workspaces/{workspace}/members/{host.id}"
        _success_json(await other.request("PUT", path, json={"role": "member"}))
        return workspace

    async def stay(n: int) -> str:
        return await join((await other.post("/workspaces", name=f"Stays {n}"))["id"])

    async def come(n: int) -> None:
        made[n] = await join(made.get(n) or (await other.post("/workspaces", name=f"Comes {n}"))["id"])

    async def go(n: int) -> None:
        _success_json(await other.request("DELETE", f"/workspaces/{made[n]}/members/{host.id}"))

    return PaginatedList(host, LIST_PATHS["workspaces"], stay, come, go)


async def invitations(host: ApiUser) -> PaginatedList:
    """Invitations by age; others are sent and revoked."""
    path, made = LIST_PATHS["invitations"].format(host.workspace), dict[int, str]()

    async def stay(n: int) -> str:
        return str((await host.post(path, email=f"stays-{n}@example.com"))["id"])

    async def come(n: int) -> None:
        made[n] = (await host.post(path, email=f"comes-{n}@example.com"))["id"]

    return PaginatedList(host, path, stay, come, lambda n: host.request("DELETE", f"/invitations/{made[n]}"))


async def register_user(host: ApiUser, name: str) -> str:
    """The id of a new user."""
    registration = {"email": f"{uuid4().hex}@example.com", "name": name, "password": PASSWORD}
    return str(_success_json(await host.client.post("/auth/register", json=registration))["id"])


def _item_ids(answer: httpx.Response, limit: int) -> list[str]:
    items = _success_json(answer)["items"]
    assert len(items) <= limit
    return [item["id"] for item in items]


def _success_json(answer: httpx.Response) -> dict[str, Any]:
    assert answer.is_success, answer.text
    done: dict[str, Any] = answer.json()
    return done
