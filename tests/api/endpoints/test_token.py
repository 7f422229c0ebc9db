"""Personal tokens over HTTP: shown once, limited by scope, refused within a second of revocation."""

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
import pytest_asyncio

from infra.ids import new_id
from infra.settings import Settings
from tests.api import identity_guarantees
from tests.api.guarantees import VALID_BODIES, operations
from tests.api.identity_guarantees import age_credentials
from tests.api.in_process_app import app_client
from tests.api.problems import assert_problem
from tests.api_user import ApiUser
from tests.examples import fixed_uuid7

pytestmark = pytest.mark.asyncio(loop_scope="package")

TOKEN_FIELDS = {"id", "name", "scopes", "kind", "on_behalf_of", "created_at", "expires_at"}


@pytest_asyncio.fixture(scope="module", loop_scope="package")
async def other_process(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """Another process of the same installation."""
    async with app_client(settings) as client:
        yield client


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("2126-12-31T23:59:60Z", "2127-01-01T00:00:00Z"),
        ("2126-12-01T12:00:00.123456789+23:59", "2126-11-30T12:01:00.123456Z"),
    ],
)
async def test_a_token_expires_at_any_time_of_rfc_3339(ann: ApiUser, written: str, shown: str) -> None:
    new_token = {"name": "Import", "scopes": ["read"], "expires_at": written}
    answer = await ann.request("POST", "/auth/tokens", json=new_token)
    assert (answer.status_code, answer.json()["expires_at"]) == (201, shown), answer.text


async def test_a_token_is_shown_once_and_listed_without_its_secret(ann: ApiUser, bob: ApiUser) -> None:
    until = "2126-12-01T12:00:00+02:00"
    new_token = {"name": "Nightly import", "scopes": ["write", "read", "write"], "expires_at": until}
    answer = await ann.request("POST", "/auth/tokens", json=new_token)
    assert answer.status_code == 201
    assert answer.headers["cache-control"] == "no-store"
    made = answer.json()
    assert made.keys() == {*TOKEN_FIELDS, "token"}
    assert made["token"].startswith("tlp_")
    assert (made["name"], made["scopes"], made["kind"]) == ("Nightly import", ["read", "write"], "human")
    assert (made["on_behalf_of"], made["expires_at"]) == (None, "2126-12-01T10:00:00Z")
    listed = await ann.request("GET", "/auth/tokens")
    shown = {name: value for name, value in made.items() if name != "token"}
    assert listed.json() == {"items": [shown]}
    assert (await ann.get(answer.headers["location"].removeprefix("/api/v1"))) == shown
    assert made["token"] not in listed.text
    assert (await bob.get("/auth/tokens"))["items"] == []


async def test_a_human_token_acts_as_its_user(ann: ApiUser) -> None:
    program = await ann.with_personal_token("write")
    me = await program.get("/auth/me")
    assert (me["id"], me["kind"], me["on_behalf_of"], me["name"]) == (ann.id, "human", None, "Ann")
    assert me["scopes"] == ["read", "write"]
    task = await program.create_task("Flour")
    assert (await ann.get(f"/tasks/{task}/history"))["items"][0]["actor"]["id"] == ann.id


async def test_an_agent_token_acts_on_behalf_of_its_user(ann: ApiUser) -> None:
    agent = await ann.with_personal_token("write", kind="agent")
    (listed,) = (await ann.get("/auth/tokens"))["items"]
    assert (listed["kind"], listed["on_behalf_of"]) == ("agent", ann.id)
    me = await agent.get("/auth/me")
    assert (me["id"], me["kind"], me["on_behalf_of"]) == (listed["id"], "agent", ann.id)
    assert (me["name"], me["email"]) == ("Nightly import", ann.email)
    task = await agent.create_task("Flour")
    who = {"kind": "agent", "id": listed["id"], "name": "Nightly import", "on_behalf_of": ann.id}
    history = await ann.get(f"/tasks/{task}/history")
    assert history["items"][0]["actor"] == who
    activity = await ann.get(f"/workspaces/{ann.workspace}/activity?actor={listed['id']}")
    assert [(item["stream"], item["actor"]) for item in activity["items"]] == [(task, who)]
    assert (await ann.request("DELETE", f"/auth/tokens/{listed['id']}")).status_code == 204
    assert (await ann.get(f"/tasks/{task}/history"))["items"][0]["actor"] == who


async def test_a_conflict_with_an_agent_names_the_agent(ann: ApiUser) -> None:
    agent, task = await ann.with_personal_token("write", kind="agent"), await ann.create_task()
    for visitor, status in ((agent, 200), (ann, 409)):
        answer = await visitor.request(
            "PATCH", f"/tasks/{task}", json={"title": visitor.token[:9], "expected_version": 1}
        )
        assert answer.status_code == status
    (event,) = answer.json()["intervening_events"]
    assert (event["actor"]["kind"], event["actor"]["name"]) == ("agent", "Nightly import")


async def test_a_revoked_token_is_refused(ann: ApiUser, other_process: httpx.AsyncClient) -> None:
    await identity_guarantees.a_revoked_token_is_refused(ann, other_process)
    assert (await ann.get("/auth/tokens"))["items"] == []


async def test_revoking_is_idempotent(ann: ApiUser) -> None:
    made = await ann.post("/auth/tokens", name="x", scopes=["read"])
    for _ in range(2):
        assert (await ann.request("DELETE", f"/auth/tokens/{made['id']}")).status_code == 204


async def test_commands_with_side_effects_have_no_dry_run(ann: ApiUser) -> None:
    made = await ann.post("/auth/tokens", name="x", scopes=["read"])
    for method, path in (
        ("POST", "/auth/tokens"),
        ("DELETE", f"/auth/tokens/{made['id']}"),
        ("POST", "/auth/password"),
    ):
        answer = await ann.request(method, f"{path}?dry_run=true", **({"json": {}} if method == "POST" else {}))
        assert_problem(answer, 400, "unknown_parameter")
    assert (await ann.with_token(made["token"]).request("GET", "/auth/me")).status_code == 200


async def test_anothers_token_is_not_found(ann: ApiUser, bob: ApiUser) -> None:
    theirs = await bob.post("/auth/tokens", name="x", scopes=["read"])
    for unknown in (theirs["id"], new_id()):
        assert_problem(await ann.request("DELETE", f"/auth/tokens/{unknown}"), 404, "not_found")
        assert_problem(await ann.request("GET", f"/auth/tokens/{unknown}"), 404, "not_found")
    assert (await bob.with_token(theirs["token"]).request("GET", "/auth/me")).status_code == 200


async def test_an_expired_token_is_refused(ann: ApiUser, settings: Settings) -> None:
    until = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    program = await ann.with_personal_token("read", expires_at=until)
    age_credentials(settings, ann, 3600)
    assert_problem(await program.request("GET", "/auth/me"), 401, "unauthorized")


async def test_a_token_with_a_past_expiry_is_not_issued(ann: ApiUser) -> None:
    new_token = {"name": "x", "scopes": ["read"], "expires_at": "2020-01-01T00:00:00Z"}
    assert_problem(await ann.request("POST", "/auth/tokens", json=new_token), 422, "already_expired")
    assert (await ann.get("/auth/tokens"))["items"] == []


async def test_a_read_token_cannot_write(ann: ApiUser) -> None:
    """Every command, on every address, requires the same scope."""
    reader, task = await ann.with_personal_token("read"), await ann.create_task()
    places = {"workspace": ann.workspace, "project": ann.project, "task": task, "user": ann.id, "label": "shop"}
    asked = 0
    for name, (method, path, _) in (await operations(ann.client)).items():
        if name in VALID_BODIES and places.keys() >= set(re.findall(r"{(\w+)}", path)):
            answer = await reader.request(method, f"http://test{path.format(**places)}", json=VALID_BODIES[name])
            assert_problem(answer, 403, "scope_too_narrow")
            asked += 1
    assert asked > len(VALID_BODIES) / 2
    assert_problem(await reader.request("POST", "/workspaces", json={"name": "Shop"}), 403, "scope_too_narrow")
    batch = {"commands": [{"type": "CompleteTask", "id": task, "data": {}}]}
    assert_problem(await reader.request("POST", "/commands", json=batch), 403, "scope_too_narrow")
    shown = await reader.get(f"/tasks/{task}")
    assert (shown["version"], shown["status"]) == (1, "open")


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/auth/tokens", {"name": "x", "scopes": ["read"]}),
        ("GET", "/auth/tokens", None),
        ("DELETE", f"/auth/tokens/{fixed_uuid7(81)}", None),
        ("GET", "/auth/sessions", None),
        ("DELETE", f"/auth/sessions/{fixed_uuid7(81)}", None),
        ("POST", "/auth/password", {"current_password": "x" * 8, "new_password": "x" * 8}),
    ],
)
async def test_a_token_without_admin_scope_cannot_manage_the_account(
    shared_user: ApiUser, method: str, path: str, body: dict[str, Any] | None
) -> None:
    writer = await shared_user.with_personal_token("write")
    answer = await writer.request(method, path, **({"json": body} if body else {}))
    assert assert_problem(answer, 403, "scope_too_narrow")["params"] == {"needed": "admin"}


async def test_an_agent_cannot_manage_the_account(ann: ApiUser) -> None:
    await identity_guarantees.an_agent_cannot_manage_the_account(ann)


async def test_an_admin_token_can_issue_tokens(ann: ApiUser) -> None:
    program = await ann.with_personal_token("admin")
    made = await program.post("/auth/tokens", name="Another", scopes=["read"])
    assert (await ann.with_token(made["token"]).request("GET", "/auth/me")).status_code == 200
    assert (await program.request("DELETE", f"/auth/tokens/{made['id']}")).status_code == 204


async def test_a_token_sees_only_what_its_user_sees(ann: ApiUser, bob: ApiUser) -> None:
    task = await bob.create_task("Secret")
    for kind in ("human", "agent"):
        program = await ann.with_personal_token("admin", kind=kind)
        assert_problem(await program.request("GET", f"/tasks/{task}/history"), 404, "not_found")
        assert_problem(await program.request("POST", f"/tasks/{task}/complete"), 404, "not_found")


async def test_an_agent_administers_only_for_an_administrator(administrator: ApiUser) -> None:
    ann = await ApiUser.register_with_project(administrator.client, administrator.fold, "Ann")
    assert (await administrator.get("/auth/me"))["is_administrator"]
    assert not (await ann.get("/auth/me"))["is_administrator"]
    for kind in ("human", "agent"):
        assert_problem(
            await (await ann.with_personal_token("admin", kind=kind)).request("GET", "/projections"), 403, "forbidden"
        )
        assert_problem(
            await (await administrator.with_personal_token("write", kind=kind)).request("GET", "/projections"),
            403,
            "scope_too_narrow",
        )
        assert (
            await (await administrator.with_personal_token("admin", kind=kind)).request("GET", "/projections")
        ).status_code == 200
