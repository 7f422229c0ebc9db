"""The audit over HTTP: what is recorded, who sees it, and where it is not."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from msgspec.structs import replace

from commands.access import RefusedSignIns
from infra.identity.sign_in_refusals import RefusalCounts, SignInRefusals
from infra.ids import new_id
from infra.rate_limits.limit import ACCOUNT_LIMIT
from infra.settings import Settings
from projections import audit as audit_projection
from tests.api.audit_guarantees import (
    audit,
    events_of,
    join,
    owners_see_their_own_members_only,
    refusals_are_summed,
    wrong_password,
)
from tests.api.in_process_app import app_client, manual_projector, unused_address
from tests.api.problems import assert_problem
from tests.api_user import PASSWORD, ApiUser
from tests.planted_defects import assert_async_check_fails

pytestmark = pytest.mark.asyncio(loop_scope="package")


@pytest_asyncio.fixture(loop_scope="package")
async def cat(administrator: ApiUser) -> AsyncIterator[ApiUser]:
    """A user of the installation of the test's administrator."""
    yield await ApiUser.register_with_project(administrator.client, administrator.fold, "Cat")


async def types(user: ApiUser, path: str) -> list[str]:
    return [item["type"] for item in (await user.get(path))["items"]]


async def whole_audit(user: ApiUser, query: str = "") -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = (await user.get(f"/audit{query}"))["items"]
    return items


async def test_a_sign_in_is_recorded_with_its_client(administrator: ApiUser) -> None:
    other = await administrator.log_in_again()
    (newest, *_) = await whole_audit(administrator)
    session = next(one for one in (await other.get("/auth/sessions"))["items"] if one["current"])
    assert (newest["type"], newest["actor"]["id"], newest["workspace_id"]) == ("SignedIn", administrator.id, None)
    assert newest["user"] == {"id": administrator.id, "name": "Root"}
    assert newest["details"] == {
        "session_id": session["id"],
        "user_agent": session["user_agent"],
        "network": "127.0.0.1",
    }


async def test_owners_do_not_see_clients_and_no_audit_shows_an_address(administrator: ApiUser) -> None:
    await administrator.log_in_again()
    newest = (await audit(administrator))[0]
    assert (newest["type"], newest["details"].keys()) == ("SignedIn", {"session_id"})
    everything = await whole_audit(administrator)
    assert "UserRegistered" in [item["type"] for item in everything]
    assert "@" not in json.dumps(everything)


async def test_each_end_of_a_session_has_its_reason(administrator: ApiUser) -> None:
    first, second, third = [await administrator.log_in_again() for _ in range(3)]
    assert (await first.request("POST", "/auth/logout")).status_code == 204
    sessions = (await second.get("/auth/sessions"))["items"]
    current = next(one["id"] for one in sessions if one["current"])
    assert (await third.request("DELETE", f"/auth/sessions/{current}")).status_code == 204
    token = third.refresh_token
    for _ in range(2):
        refreshed = await third.client.post("/auth/refresh", json={"refresh_token": token})
        token = refreshed.json()["refresh_token"]
    stolen = await third.client.post("/auth/refresh", json={"refresh_token": third.refresh_token})
    assert stolen.status_code == 401
    last = await administrator.log_in_again()
    change = {"current_password": PASSWORD, "new_password": "another horse"}
    assert (await last.request("POST", "/auth/password", json=change)).status_code == 204
    ended = [item["details"]["reason"] for item in await whole_audit(last, "?type=SignedOut")]
    assert ended == ["password_changed", "token_reused", "ended", "signed_out"]
    reused = (await whole_audit(last, "?type=SignedOut"))[1]
    assert reused["actor"]["kind"] == "rule"


async def test_a_sign_in_does_not_raise_the_version_of_the_account(administrator: ApiUser, cat: ApiUser) -> None:
    await cat.log_in_again()
    renamed = await cat.request("PATCH", "/auth/me", json={"name": "Kate"})
    assert renamed.status_code == 200
    (own,) = [item for item in await whole_audit(administrator, "?type=UserRegistered") if item["user"]["id"] == cat.id]
    assert own["user"]["name"] == "Kate"


async def test_wrong_passwords_append_nothing_and_are_summed(isolated_settings: Settings) -> None:
    with manual_projector(isolated_settings) as fold:
        async with app_client(isolated_settings) as client:
            user = await ApiUser.register_with_project(client, fold, "Ann")
            before = events_of(isolated_settings)
            for _ in range(7):
                await wrong_password(user)
            for _ in range(3):
                await wrong_password(user, f"{new_id()}@example.com")
            assert events_of(isolated_settings) == before
        after = events_of(isolated_settings)[len(before) :]
    assert {one["type"] for one in after} == {"SignInRefused"}
    refusals_are_summed(isolated_settings, user.id, 7)
    assert sum(one["count"] for one in after if one.get("user_id") is None) == 3
    assert "@" not in json.dumps(after)


async def test_refusals_that_are_not_summed_are_noticed(
    isolated_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    summed = SignInRefusals.by_user

    async def by_attempt(refusals: SignInRefusals, counts: RefusalCounts) -> tuple[RefusedSignIns, ...]:
        found = await summed(refusals, counts)
        return tuple(replace(one, count=1) for one in found for _ in range(one.count))

    monkeypatch.setattr(SignInRefusals, "by_user", by_attempt)
    with manual_projector(isolated_settings) as fold:
        async with app_client(isolated_settings) as client:
            user = await ApiUser.register_with_project(client, fold, "Ann")
            for _ in range(3):
                await wrong_password(user)

    async def check() -> None:
        refusals_are_summed(isolated_settings, user.id, 3)

    await assert_async_check_fails(check)


async def test_guesses_beyond_the_limit_are_counted_too(isolated_settings: Settings) -> None:
    limited = replace(isolated_settings, rate_limits="on")
    with manual_projector(limited) as fold:
        async with app_client(limited, unused_address()) as client:
            user = await ApiUser.register_with_project(client, fold, "Ann")
            login = {"email": user.email, "password": "no horse"}
            answers = [await client.post("/auth/login", json=login) for _ in range(ACCOUNT_LIMIT.quota + 2)]
            assert answers[-1].status_code == 429
    refusals_are_summed(isolated_settings, user.id, len(answers))


async def test_tokens_roles_and_invitations_are_listed_once(ann: ApiUser, bob: ApiUser) -> None:
    issued = await ann.post("/auth/tokens", name="Nightly import", scopes=["read"])
    assert (await ann.request("DELETE", f"/auth/tokens/{issued['id']}")).is_success
    await join(ann, bob, "member")
    await join(ann, bob, "admin")
    assert [item["type"] for item in await audit(ann)][:4] == [
        "MemberRoleChanged",
        "MemberJoined",
        "TokenRevoked",
        "TokenIssued",
    ]
    role, _, _, token = (await audit(ann))[:4]
    assert (role["user"]["name"], role["details"]) == ("Bob", {"role": ["member", "admin"]})
    assert (token["details"]["name"], token["details"]["scopes"]) == ("Nightly import", ["read"])
    assert "secret" not in token["details"] and issued["token"] not in json.dumps(token)  # noqa: PT018 - one fact


async def test_an_export_is_recorded_where_only_the_audit_lists_it(ann: ApiUser) -> None:
    await ann.create_task()
    for format_ in ("jsonl", "csv"):
        exported = await ann.request("GET", f"/workspaces/{ann.workspace}/export?format={format_}")
        assert exported.status_code == 200
        assert "WorkspaceExported" not in exported.text
    again = await ann.request("GET", f"/workspaces/{ann.workspace}/export")
    assert "WorkspaceExported" not in again.text
    newest = (await audit(ann))[:3]
    assert [(item["type"], item["details"]) for item in newest] == [
        ("WorkspaceExported", {"format": "jsonl"}),
        ("WorkspaceExported", {"format": "csv"}),
        ("WorkspaceExported", {"format": "jsonl"}),
    ]
    assert "WorkspaceExported" not in await types(ann, f"/workspaces/{ann.workspace}/activity")
    assert await types(ann, f"/workspaces/{ann.workspace}/activity?type=WorkspaceExported") == []
    assert "WorkspaceExported" not in await types(ann, f"/projects/{ann.project}/history")


async def test_access_is_no_change_to_take_back(ann: ApiUser, bob: ApiUser) -> None:
    task = await ann.create_task("Milk")
    created = (await ann.get(f"/tasks/{task}/history"))["items"][0]["command_id"]
    await ann.log_in_again()
    assert (await ann.request("GET", f"/workspaces/{ann.workspace}/export")).status_code == 200
    exported, signed_in = (await audit(ann))[:2]
    for item in (exported, signed_in):
        refused = await ann.request("POST", f"/changes/{item['command_id']}/revert", json={})
        assert_problem(refused, 422, "not_revertible")
        assert_problem(await bob.request("POST", f"/changes/{item['command_id']}/revert", json={}), 404, "not_found")
    assert (await ann.post("/undo"))["reverted"] == created


async def test_a_rebuild_is_recorded_with_who_asked_for_it(administrator: ApiUser) -> None:
    asked = await administrator.request("POST", "/projections/task_list/rebuild", json={"expect_changes": True})
    assert asked.status_code == 202
    (newest, *_) = await whole_audit(administrator)
    assert (newest["type"], newest["actor"]["id"]) == ("RebuildRequested", administrator.id)
    assert newest["details"] == {"projection": "task_list", "expect_changes": True}
    assert "RebuildRequested" not in [item["type"] for item in await audit(administrator)]


async def test_owners_see_their_own_members_only(ann: ApiUser, bob: ApiUser) -> None:
    cat = await ApiUser.register_with_project(ann.client, ann.fold, "Cat")
    await owners_see_their_own_members_only(ann, bob, cat)


async def test_an_audit_that_shows_former_members_is_noticed(
    ann: ApiUser, bob: ApiUser, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoilt = audit_projection._OF_WORKSPACE_SQL.replace("where member.type = 'MemberJoined'", "")  # noqa: SLF001 - a defect
    assert spoilt != audit_projection._OF_WORKSPACE_SQL  # noqa: SLF001 - as above
    monkeypatch.setattr(audit_projection, "_OF_WORKSPACE_SQL", spoilt)
    cat = await ApiUser.register_with_project(ann.client, ann.fold, "Cat")
    await assert_async_check_fails(lambda: owners_see_their_own_members_only(ann, bob, cat))


async def test_what_a_member_did_before_they_joined_is_not_seen(ann: ApiUser, bob: ApiUser) -> None:
    await bob.log_in_again()
    await join(ann, bob, "member")
    assert [item["user"]["id"] for item in await audit(ann, "?type=SignedIn")] == []
    await bob.log_in_again()
    assert [item["user"]["id"] for item in await audit(ann, "?type=SignedIn")] == [bob.id]


async def test_a_page_goes_on_where_the_last_one_ended(ann: ApiUser, bob: ApiUser) -> None:
    await join(ann, bob, "member")
    for one in (ann, bob, ann, bob):
        await one.log_in_again()
    everything, found = await audit(ann), list[dict[str, Any]]()
    page = await ann.get(f"/workspaces/{ann.workspace}/audit?limit=2")
    found += page["items"]
    while page["next_cursor"]:
        page = await ann.get(f"/workspaces/{ann.workspace}/audit?limit=2&cursor={page['next_cursor']}")
        found += page["items"]
    assert found == everything
    first = await ann.get(f"/workspaces/{ann.workspace}/audit?limit=1")
    other = f"/workspaces/{ann.workspace}/audit?type=SignedIn&cursor={first['next_cursor']}"
    assert (await ann.request("GET", other)).status_code == 400


async def test_the_audit_is_filtered(ann: ApiUser, bob: ApiUser) -> None:
    await join(ann, bob, "member")
    await bob.log_in_again()
    signed_in = (await audit(ann))[0]
    assert await audit(ann, f"?actor={bob.id}") == [signed_in]
    assert await audit(ann, "?kind=agent") == []
    assert await audit(ann, f"?since={signed_in['at'].replace('+', '%2B')}") == [signed_in]
    earlier = await audit(ann, f"?until={signed_in['at'].replace('+', '%2B')}")
    assert earlier == (await audit(ann))[1:]
    assert_problem(await ann.request("GET", f"/workspaces/{ann.workspace}/audit?type=Nothing"), 400)


@pytest.mark.parametrize("role", ["viewer", "member", "admin"])
async def test_only_owners_see_the_audit_of_a_workspace(ann: ApiUser, bob: ApiUser, role: str) -> None:
    path = f"/workspaces/{ann.workspace}/audit"
    assert_problem(await bob.request("GET", path), 404, "not_found")
    await join(ann, bob, role)
    assert_problem(await bob.request("GET", path), 403, "forbidden")
    assert_problem(await bob.request("GET", "/audit"), 403, "forbidden")


async def test_a_former_owner_does_not_see_a_cached_audit(ann: ApiUser, bob: ApiUser) -> None:
    path = f"/workspaces/{ann.workspace}/audit"
    await join(ann, bob, "owner")
    ann.fold()
    for _ in range(2):
        assert (await bob.request("GET", path)).status_code == 200
    await join(ann, bob, "admin")
    assert_problem(await bob.request("GET", path), 403, "forbidden")
