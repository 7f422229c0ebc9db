"""Personal tokens: shown once, as far as their scopes go, dead within a second of being revoked."""

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
import pytest_asyncio

from infra.ids import new_id
from infra.settings import Settings
from tests.api import identity
from tests.api.checks import BODIES, operations
from tests.api.identity import later
from tests.api.opened import opened
from tests.api.problems import refused
from tests.examples import id7
from tests.visitor import Visitor

pytestmark = pytest.mark.asyncio(loop_scope="package")

SHOWN = {"id", "name", "scopes", "kind", "on_behalf_of", "created_at", "expires_at"}


@pytest_asyncio.fixture(scope="module", loop_scope="package")
async def other(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """Another process of the same installation."""
    async with opened(settings) as client:
        yield client


async def test_a_token_is_shown_once_and_listed_without_its_secret(ann: Visitor, bob: Visitor) -> None:
    until = "2126-12-01T12:00:00+02:00"
    wish = {"name": "Nightly import", "scopes": ["write", "read", "write"], "expires_at": until}
    answer = await ann.ask("POST", "/auth/tokens", json=wish)
    assert answer.status_code == 201
    assert answer.headers["cache-control"] == "no-store"
    made = answer.json()
    assert made.keys() == {*SHOWN, "token"}
    assert made["token"].startswith("tlp_")
    assert (made["name"], made["scopes"], made["kind"]) == ("Nightly import", ["read", "write"], "human")
    assert (made["on_behalf_of"], made["expires_at"]) == (None, "2126-12-01T10:00:00Z")
    listed = await ann.ask("GET", "/auth/tokens")
    shown = {name: value for name, value in made.items() if name != "token"}
    assert listed.json() == {"items": [shown]}
    assert (await ann.get(answer.headers["location"].removeprefix("/api/v1"))) == shown
    assert made["token"] not in listed.text
    assert (await bob.get("/auth/tokens"))["items"] == []


async def test_a_token_of_a_persons_is_the_person(ann: Visitor) -> None:
    program = await ann.program("write")
    me = await program.get("/auth/me")
    assert (me["id"], me["kind"], me["on_behalf_of"], me["name"]) == (ann.id, "human", None, "Ann")
    assert me["scopes"] == ["read", "write"]
    task = await program.task("Flour")
    assert (await ann.get(f"/tasks/{task}/history"))["items"][0]["actor"]["id"] == ann.id


async def test_an_agent_is_itself_on_behalf_of_a_person(ann: Visitor) -> None:
    agent = await ann.program("write", kind="agent")
    (listed,) = (await ann.get("/auth/tokens"))["items"]
    assert (listed["kind"], listed["on_behalf_of"]) == ("agent", ann.id)
    me = await agent.get("/auth/me")
    assert (me["id"], me["kind"], me["on_behalf_of"]) == (listed["id"], "agent", ann.id)
    assert (me["name"], me["email"]) == ("Nightly import", ann.email)
    task = await agent.task("Flour")
    who = {"kind": "agent", "id": listed["id"], "name": "Nightly import", "on_behalf_of": ann.id}
    told = await ann.get(f"/tasks/{task}/history")
    assert told["items"][0]["actor"] == who
    activity = await ann.get(f"/workspaces/{ann.workspace}/activity?actor={listed['id']}")
    assert [(item["stream"], item["actor"]) for item in activity["items"]] == [(task, who)]
    assert (await ann.ask("DELETE", f"/auth/tokens/{listed['id']}")).status_code == 204
    assert (await ann.get(f"/tasks/{task}/history"))["items"][0]["actor"] == who


async def test_who_loses_a_race_to_an_agent_is_told_its_name(ann: Visitor) -> None:
    agent, task = await ann.program("write", kind="agent"), await ann.task()
    for visitor, status in ((agent, 200), (ann, 409)):
        answer = await visitor.ask("PATCH", f"/tasks/{task}", json={"title": visitor.token[:9], "expected_version": 1})
        assert answer.status_code == status
    (event,) = answer.json()["intervening_events"]
    assert (event["actor"]["kind"], event["actor"]["name"]) == ("agent", "Nightly import")


async def test_a_revoked_token_opens_nothing(ann: Visitor, other: httpx.AsyncClient) -> None:
    await identity.a_revoked_token_opens_nothing(ann, other)
    assert (await ann.get("/auth/tokens"))["items"] == []


async def test_revoking_twice_is_revoking_once(ann: Visitor) -> None:
    made = await ann.post("/auth/tokens", name="x", scopes=["read"])
    for _ in range(2):
        assert (await ann.ask("DELETE", f"/auth/tokens/{made['id']}")).status_code == 204


async def test_there_is_no_dry_run_of_what_is_more_than_its_events(ann: Visitor) -> None:
    made = await ann.post("/auth/tokens", name="x", scopes=["read"])
    for method, path in (
        ("POST", "/auth/tokens"),
        ("DELETE", f"/auth/tokens/{made['id']}"),
        ("POST", "/auth/password"),
    ):
        answer = await ann.ask(method, f"{path}?dry_run=true", **({"json": {}} if method == "POST" else {}))
        refused(answer, 400, "unknown_parameter")
    assert (await ann.holding(made["token"]).ask("GET", "/auth/me")).status_code == 200


async def test_anothers_token_is_not_found(ann: Visitor, bob: Visitor) -> None:
    theirs = await bob.post("/auth/tokens", name="x", scopes=["read"])
    for unknown in (theirs["id"], new_id()):
        refused(await ann.ask("DELETE", f"/auth/tokens/{unknown}"), 404, "not_found")
        refused(await ann.ask("GET", f"/auth/tokens/{unknown}"), 404, "not_found")
    assert (await bob.holding(theirs["token"]).ask("GET", "/auth/me")).status_code == 200


async def test_an_expired_token_opens_nothing(ann: Visitor, settings: Settings) -> None:
    until = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    program = await ann.program("read", expires_at=until)
    later(settings, ann, 3600)
    refused(await program.ask("GET", "/auth/me"), 401, "unauthorized")


async def test_a_token_that_would_have_expired_is_not_made(ann: Visitor) -> None:
    wish = {"name": "x", "scopes": ["read"], "expires_at": "2020-01-01T00:00:00Z"}
    refused(await ann.ask("POST", "/auth/tokens", json=wish), 422, "already_expired")
    assert (await ann.get("/auth/tokens"))["items"] == []


async def test_a_token_that_reads_writes_nothing(ann: Visitor) -> None:
    """Every command, on every address: the scope is asked for all of them alike."""
    reader, task = await ann.program("read"), await ann.task()
    places = {"workspace": ann.workspace, "project": ann.project, "task": task, "user": ann.id, "label": "shop"}
    asked = 0
    for name, (method, path, _) in (await operations(ann.client)).items():
        if name in BODIES and places.keys() >= set(re.findall(r"{(\w+)}", path)):
            answer = await reader.ask(method, f"http://test{path.format(**places)}", json=BODIES[name])
            refused(answer, 403, "scope_too_narrow")
            asked += 1
    assert asked > len(BODIES) / 2
    refused(await reader.ask("POST", "/workspaces", json={"name": "Shop"}), 403, "scope_too_narrow")
    batch = {"commands": [{"type": "CompleteTask", "id": task, "data": {}}]}
    refused(await reader.ask("POST", "/commands", json=batch), 403, "scope_too_narrow")
    shown = await reader.get(f"/tasks/{task}")
    assert (shown["version"], shown["status"]) == (1, "open")


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/auth/tokens", {"name": "x", "scopes": ["read"]}),
        ("GET", "/auth/tokens", None),
        ("DELETE", f"/auth/tokens/{id7(81)}", None),
        ("GET", "/auth/sessions", None),
        ("DELETE", f"/auth/sessions/{id7(81)}", None),
        ("POST", "/auth/password", {"current_password": "x" * 8, "new_password": "x" * 8}),
    ],
)
async def test_a_token_that_does_not_administer_manages_nothing(
    house: Visitor, method: str, path: str, body: dict[str, Any] | None
) -> None:
    writer = await house.program("write")
    answer = await writer.ask(method, path, **({"json": body} if body else {}))
    assert refused(answer, 403, "scope_too_narrow")["params"] == {"needed": "admin"}


async def test_an_agent_manages_nothing(ann: Visitor) -> None:
    await identity.an_agent_manages_nothing(ann)


async def test_a_token_that_administers_makes_others(ann: Visitor) -> None:
    program = await ann.program("admin")
    made = await program.post("/auth/tokens", name="Another", scopes=["read"])
    assert (await ann.holding(made["token"]).ask("GET", "/auth/me")).status_code == 200
    assert (await program.ask("DELETE", f"/auth/tokens/{made['id']}")).status_code == 204


async def test_tokens_find_only_what_their_user_does(ann: Visitor, bob: Visitor) -> None:
    task = await bob.task("Secret")
    for kind in ("human", "agent"):
        program = await ann.program("admin", kind=kind)
        refused(await program.ask("GET", f"/tasks/{task}/history"), 404, "not_found")
        refused(await program.ask("POST", f"/tasks/{task}/complete"), 404, "not_found")


async def test_an_agent_operates_no_installation_but_its_administrators(root: Visitor) -> None:
    ann = await Visitor.settled(root.client, root.fold, "Ann")
    assert (await root.get("/auth/me"))["is_administrator"]
    assert not (await ann.get("/auth/me"))["is_administrator"]
    for kind in ("human", "agent"):
        refused(await (await ann.program("admin", kind=kind)).ask("GET", "/projections"), 403, "forbidden")
        refused(await (await root.program("write", kind=kind)).ask("GET", "/projections"), 403, "scope_too_narrow")
        assert (await (await root.program("admin", kind=kind)).ask("GET", "/projections")).status_code == 200
