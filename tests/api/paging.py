"""Lists that are read page by page while others come and go: what stays is on exactly one page, in its order."""

from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import httpx
from msgspec import Struct

from tests.visitor import PASSWORD, Visitor

STAY = 5
PATHS = {
    "workspaces": "/workspaces",
    "members": "/workspaces/{}/members",
    "projects": "/workspaces/{}/projects",
    "labels": "/workspaces/{}/labels",
    "invitations": "/workspaces/{}/invitations",
}
"""Where each list stands, in a workspace."""


class Listed(Struct, frozen=True):
    """A list that who asks sees at a path, and how something comes into it and goes; `n` tells one from another.

    What stays is made in the order of the list, after what was there before. What comes again is the same, or another.
    """

    who: Visitor
    path: str
    stay: Callable[[int], Awaitable[str]]
    come: Callable[[int], Awaitable[Any]]
    go: Callable[[int], Awaitable[Any]]


async def what_stays_is_on_exactly_one_page(listed: Listed, limit: int) -> None:
    """After each page another one comes or goes; every second time the read models are behind."""
    stay, there = await filled(listed), set(range(0, STAY, 2))
    listed.who.fold()
    path: str | None = f"{listed.path}?limit={limit}"
    shown, turn = list[str](), 0
    while path:
        answer = await listed.who.ask("GET", path)
        shown += _ids(answer, limit)
        path, other = following(answer), turn % STAY
        await (listed.go if other in there else listed.come)(other)
        there ^= {other}
        turn += 1
        if turn % 2:
            listed.who.fold()
    assert [one for one in shown if one in stay] == stay


async def filled(listed: Listed) -> list[str]:
    """The ids of what stays, with others among them."""
    stay = [item["id"] for item in (await listed.who.get(listed.path))["items"]]
    for number in range(STAY):
        if number % 2 == 0:
            await listed.come(number)
        stay.append(await listed.stay(number))
    return stay


def following(answer: httpx.Response) -> str | None:
    """The address of the next page, where there is one; the body must say the same."""
    path = answer.links["next"]["url"].removeprefix("/api/v1") if "next" in answer.links else None
    cursor = answer.json()["next_cursor"]
    assert (f"cursor={cursor}" in path) if path else cursor is None
    return path


async def projects(host: Visitor) -> Listed:
    """By key; others come out of the archive and go there."""
    path, made = PATHS["projects"].format(host.workspace), dict[int, str]()

    async def open_(key: str) -> str:
        return str((await host.post(path, name=key, key=key))["id"])

    async def come(n: int) -> None:
        if n in made:
            await host.post(f"/projects/{made[n]}/restore")
        else:
            made[n] = await open_(f"P{n}A")

    return Listed(
        host, path, lambda n: open_(f"P{n}B"), come, lambda n: host.ask("POST", f"/projects/{made[n]}/archive")
    )


async def labels(host: Visitor) -> Listed:
    """By name; those that came do not go."""
    path = PATHS["labels"].format(host.workspace)

    async def colour(name: str) -> str:
        return str(_done(await host.ask("PUT", f"{path}/{quote(name)}", json={"colour": "#cc3300"}))["id"])

    return Listed(host, path, lambda n: colour(f"l{n} b"), lambda n: colour(f"L{n} A"), lambda n: colour(f"l{n} a"))


async def members(host: Visitor) -> Listed:
    """By name; others are made members and removed."""
    path, made = PATHS["members"].format(host.workspace), dict[int, str]()

    async def join(user: str) -> str:
        _done(await host.ask("PUT", f"{path}/{user}", json={"role": "member"}))
        return user

    async def stay(n: int) -> str:
        return await join(await registered(host, f"m{n} B"))

    async def come(n: int) -> None:
        made[n] = await join(made.get(n) or await registered(host, f"M{n} a"))

    return Listed(host, path, stay, come, lambda n: host.ask("DELETE", f"{path}/{made[n]}"))


async def workspaces(host: Visitor) -> Listed:
    """By age; the host is made a member of somebody else's, and removed."""
    other, made = await Visitor.settled(host.client, host.fold, "Other"), dict[int, str]()

    async def join(workspace: str) -> str:
        path = f"/workspaces/{workspace}/members/{host.id}"
        _done(await other.ask("PUT", path, json={"role": "member"}))
        return workspace

    async def stay(n: int) -> str:
        return await join((await other.post("/workspaces", name=f"Stays {n}"))["id"])

    async def come(n: int) -> None:
        made[n] = await join(made.get(n) or (await other.post("/workspaces", name=f"Comes {n}"))["id"])

    async def go(n: int) -> None:
        _done(await other.ask("DELETE", f"/workspaces/{made[n]}/members/{host.id}"))

    return Listed(host, PATHS["workspaces"], stay, come, go)


async def invitations(host: Visitor) -> Listed:
    """By age; others are sent, and revoked."""
    path, made = PATHS["invitations"].format(host.workspace), dict[int, str]()

    async def stay(n: int) -> str:
        return str((await host.post(path, email=f"stays-{n}@example.com"))["id"])

    async def come(n: int) -> None:
        made[n] = (await host.post(path, email=f"comes-{n}@example.com"))["id"]

    return Listed(host, path, stay, come, lambda n: host.ask("DELETE", f"/invitations/{made[n]}"))


async def registered(host: Visitor, name: str) -> str:
    """The id of a new user."""
    wish = {"email": f"{uuid4().hex}@example.com", "name": name, "password": PASSWORD}
    return str(_done(await host.client.post("/auth/register", json=wish))["id"])


def _ids(answer: httpx.Response, limit: int) -> list[str]:
    items = _done(answer)["items"]
    assert len(items) <= limit
    return [item["id"] for item in items]


def _done(answer: httpx.Response) -> dict[str, Any]:
    assert answer.is_success, answer.text
    done: dict[str, Any] = answer.json()
    return done
