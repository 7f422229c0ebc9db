"""Guarantees of the audit, each of which a planted defect must break."""

import asyncio
from typing import Any

import psycopg

from infra.settings import Settings
from tests.api_user import ApiUser


async def wrong_password(user: ApiUser, email: str = "") -> None:
    login = {"email": email or user.email, "password": "no horse"}
    assert (await user.client.post("/auth/login", json=login)).status_code == 401


def events_of(settings: Settings, *types: str) -> list[dict[str, Any]]:
    """The content of the events of these types, or of all, in the order of the log."""
    with psycopg.connect(settings.database_url) as connection:
        rows = connection.execute(
            "select type, data from log.event_log where type = any(%s) or %s order by position",
            (list(types), not types),
        ).fetchall()
    return [{"type": type_, **data} for type_, data in rows]


async def audit(user: ApiUser, query: str = "") -> list[dict[str, Any]]:
    """The audit of the user's workspace, newest first."""
    items: list[dict[str, Any]] = (await user.get(f"/workspaces/{user.workspace}/audit{query}"))["items"]
    return items


async def join(owner: ApiUser, other: ApiUser, role: str) -> None:
    path = f"/workspaces/{owner.workspace}/members/{other.id}"
    assert (await owner.request("PUT", path, json={"role": role})).status_code == 200


async def owners_see_their_own_members_only(ann: ApiUser, bob: ApiUser, cat: ApiUser) -> None:
    """Bob is a member; Cat is not any longer."""
    await join(ann, bob, "member")
    await join(ann, cat, "member")
    removal = await ann.request("DELETE", f"/workspaces/{ann.workspace}/members/{cat.id}")
    assert removal.status_code == 200
    await asyncio.gather(*(one.log_in_again() for one in (ann, bob, cat)))
    for one in (bob, cat):
        assert (await one.request("GET", f"/workspaces/{one.workspace}/export")).status_code == 200
    seen = [(item["type"], (item["user"] or {}).get("id")) for item in await audit(ann)]
    assert sorted(seen[:2]) == sorted([("SignedIn", ann.id), ("SignedIn", bob.id)])
    assert seen[2:] == [
        ("MemberRemoved", cat.id),
        ("MemberJoined", cat.id),
        ("MemberJoined", bob.id),
        ("MemberJoined", ann.id),
    ]


def refusals_are_summed(settings: Settings, user: str, expected: int) -> None:
    """All attempts on an account are counted, in one event a minute."""
    refused = [one for one in events_of(settings, "SignInRefused") if one.get("user_id") == user]
    assert sum(one["count"] for one in refused) == expected
    assert len(refused) == len({one["minute"] for one in refused})
