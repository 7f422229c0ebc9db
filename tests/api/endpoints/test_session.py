"""Sessions over HTTP: log in, refresh, log out here and everywhere."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import msgspec
import pytest
import pytest_asyncio

from infra import time_budget
from infra.identity.sessions import REUSE_GRACE, SESSION_LIFETIME
from infra.ids import new_id
from infra.settings import Settings
from tests.api import identity_guarantees
from tests.api.identity_guarantees import age_credentials, refresh
from tests.api.in_process_app import app_client, without_a_database
from tests.api.problems import assert_problem
from tests.api_user import PASSWORD, ApiUser

pytestmark = pytest.mark.asyncio(loop_scope="package")

DAY_S = 24 * 3600


@pytest_asyncio.fixture(scope="module", loop_scope="package")
async def other_process(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """Another process of the same installation."""
    async with app_client(settings) as client:
        yield client


async def test_a_refresh_token_is_exchanged_for_new_tokens(ann: ApiUser, other_process: httpx.AsyncClient) -> None:
    answer = await refresh(other_process, ann.refresh_token)
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    keys = answer.json()
    assert keys.keys() == {"access_token", "token_type", "expires_in", "refresh_token"}
    assert (keys["token_type"], keys["expires_in"]) == ("Bearer", 3600)
    assert keys["refresh_token"] != ann.refresh_token
    assert keys["access_token"] != ann.token
    for token in (ann.token, keys["access_token"]):
        assert (await ann.with_token(token).request("GET", "/auth/me")).json()["id"] == ann.id
    assert (await refresh(ann.client, keys["refresh_token"])).status_code == 200


async def test_concurrent_refreshes_issue_one_token(
    ann: ApiUser, other_process: httpx.AsyncClient, settings: Settings
) -> None:
    await identity_guarantees.concurrent_refreshes_issue_one_token(ann, other_process, settings)


async def test_a_lost_refresh_is_repeated_within_the_grace_period(ann: ApiUser, settings: Settings) -> None:
    first = (await refresh(ann.client, ann.refresh_token)).json()["refresh_token"]
    age_credentials(settings, ann, int(REUSE_GRACE.total_seconds()) - 2)
    assert (await refresh(ann.client, ann.refresh_token)).json()["refresh_token"] == first
    assert (await refresh(ann.client, first)).status_code == 200


async def reuse_after_the_grace_period(ann: ApiUser, settings: Settings) -> str:
    """The answer may have been lost, but too long ago."""
    following = (await refresh(ann.client, ann.refresh_token)).json()["refresh_token"]
    age_credentials(settings, ann, int(REUSE_GRACE.total_seconds()) + 1)
    return str(following)


async def reuse_after_its_successor(ann: ApiUser, _: Settings) -> str:
    """The answer cannot have been lost."""
    following = (await refresh(ann.client, ann.refresh_token)).json()["refresh_token"]
    return str((await refresh(ann.client, following)).json()["refresh_token"])


@pytest.mark.parametrize("use", [reuse_after_the_grace_period, reuse_after_its_successor])
async def test_reusing_a_refresh_token_revokes_the_session(
    ann: ApiUser, settings: Settings, use: Callable[[ApiUser, Settings], Any]
) -> None:
    elsewhere = await ann.log_in_again()
    current = await use(ann, settings)
    assert_problem(await refresh(ann.client, ann.refresh_token), 401, "invalid_refresh_token")
    assert_problem(await refresh(ann.client, current), 401, "invalid_refresh_token")
    assert_problem(await ann.request("GET", "/auth/me"), 401, "unauthorized")
    assert (await refresh(ann.client, elsewhere.refresh_token)).status_code == 200


async def test_a_session_has_a_maximum_lifetime(ann: ApiUser, settings: Settings) -> None:
    lasts = int(SESSION_LIFETIME.total_seconds())
    age_credentials(settings, ann, lasts - 600)
    keys = (await refresh(ann.client, ann.refresh_token)).json()
    assert 0 < keys["expires_in"] <= 600
    age_credentials(settings, ann, 600)
    assert_problem(await refresh(ann.client, keys["refresh_token"]), 401, "invalid_refresh_token")
    assert (await ann.get("/auth/sessions"))["items"] == []


async def test_only_refresh_tokens_refresh(ann: ApiUser) -> None:
    personal = await ann.with_personal_token("admin")
    for token in (ann.token, personal.token, "", "x", "tlr_" + "A" * 43, ann.refresh_token + "A", "\0", "мама"):
        assert_problem(await refresh(ann.client, token), 401, "invalid_refresh_token")
    assert (await refresh(ann.client, ann.refresh_token)).status_code == 200


async def test_a_refresh_token_only_refreshes(ann: ApiUser) -> None:
    assert_problem(await ann.with_token(ann.refresh_token).request("GET", "/auth/me"), 401, "unauthorized")
    assert (await refresh(ann.client, ann.refresh_token)).status_code == 200


async def test_an_ended_session_is_refused(ann: ApiUser, other_process: httpx.AsyncClient) -> None:
    again = await ann.log_in_again()
    await identity_guarantees.an_ended_session_is_refused(again, other_process)
    assert (await ann.request("GET", "/auth/me")).status_code == 200
    assert (await refresh(other_process, ann.refresh_token)).status_code == 200


async def test_a_new_process_loads_earlier_revocations(ann: ApiUser, settings: Settings) -> None:
    assert (await ann.request("POST", "/auth/logout")).status_code == 204
    async with app_client(settings) as late:
        assert_problem(await ann.with_token(ann.token, client=late).request("GET", "/auth/me"), 401, "unauthorized")


async def test_logging_out_takes_a_body_or_none(ann: ApiUser) -> None:
    bodies: list[dict[str, Any]] = [{"json": {}}, {"content": b""}, {}]
    for request in bodies:
        again = await ann.log_in_again()
        assert (await again.request("POST", "/auth/logout", **request)).status_code == 204
        assert_problem(await again.request("POST", "/auth/logout"), 401, "unauthorized")


async def test_a_personal_token_has_no_session_to_end(ann: ApiUser) -> None:
    program = await ann.with_personal_token("admin")
    assert_problem(await program.request("POST", "/auth/logout"), 422, "no_session")
    assert (await program.request("GET", "/auth/me")).status_code == 200


async def test_users_list_their_sessions(ann: ApiUser, bob: ApiUser) -> None:
    login = {"email": ann.email, "password": PASSWORD}
    agent = {b"User-Agent": b"Firefox\x9b\xe9 " + b"x" * 300}
    await ann.client.post("/auth/login", json=login, headers=agent)
    second, first = (await ann.get("/auth/sessions"))["items"]
    assert first.keys() == {"id", "created_at", "last_used_at", "expires_at", "user_agent", "current"}
    assert (first["current"], second["current"]) == (True, False)
    assert second["user_agent"].startswith("Firefox\u00e9 xxx")
    assert len(second["user_agent"]) <= 200
    await refresh(ann.client, ann.refresh_token)
    assert [one["id"] for one in (await ann.get("/auth/sessions"))["items"]] == [first["id"], second["id"]]
    assert {one["current"] for one in (await bob.get("/auth/sessions"))["items"]} == {True}


async def test_a_session_can_be_revoked_from_another(ann: ApiUser, other_process: httpx.AsyncClient) -> None:
    lost = await ann.log_in_again(other_process)
    wanted = next(one["id"] for one in (await lost.get("/auth/sessions"))["items"] if one["current"])
    assert (await ann.request("DELETE", f"/auth/sessions/{wanted}")).status_code == 204
    assert_problem(await refresh(other_process, lost.refresh_token), 401, "invalid_refresh_token")
    await identity_guarantees.assert_refused_soon(lost)
    assert_problem(await ann.request("DELETE", f"/auth/sessions/{wanted}"), 404, "not_found")


async def test_anothers_session_is_not_found(ann: ApiUser, bob: ApiUser) -> None:
    theirs = (await bob.get("/auth/sessions"))["items"][0]["id"]
    for unknown in (theirs, new_id()):
        assert_problem(await ann.request("DELETE", f"/auth/sessions/{unknown}"), 404, "not_found")
    assert_problem(await ann.request("DELETE", "/auth/sessions/mine"), 400, "invalid_id")
    assert (await bob.request("GET", "/auth/me")).status_code == 200


async def test_a_changed_password_ends_all_other_sessions(ann: ApiUser, other_process: httpx.AsyncClient) -> None:
    elsewhere, program = await ann.log_in_again(other_process), await ann.with_personal_token("read")
    change = {"current_password": PASSWORD, "new_password": "another horse"}
    assert (await ann.request("POST", "/auth/password", json=change)).status_code == 204
    assert_problem(await refresh(other_process, elsewhere.refresh_token), 401, "invalid_refresh_token")
    await identity_guarantees.assert_refused_soon(elsewhere)
    assert_problem(await ann.client.post("/auth/login", json={"email": ann.email, "password": PASSWORD}), 401)
    assert (await (await ann.log_in_again(password="another horse")).request("GET", "/auth/me")).status_code == 200
    for still in (ann, program):
        assert (await still.request("GET", "/auth/me")).status_code == 200
    assert (await refresh(ann.client, ann.refresh_token)).status_code == 200


async def test_without_the_database_access_tokens_are_checked_by_signature(
    ann: ApiUser, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time_budget, "DATABASE_POOL_S", 0.1)
    program = await ann.with_personal_token("read")
    async with app_client(without_a_database(settings)) as lonely:
        assert_problem(await ann.with_token(ann.token, client=lonely).request("GET", "/tasks/milk"), 400, "invalid_id")
        assert_problem(
            await ann.with_token(ann.token + "x", client=lonely).request("GET", "/tasks/milk"), 401, "unauthorized"
        )
        assert_problem(
            await ann.with_token(program.token, client=lonely).request("GET", "/tasks/milk"), 503, "storage_unavailable"
        )
        assert_problem(await refresh(lonely, ann.refresh_token), 503, "storage_unavailable")


async def test_a_token_of_another_installation_is_refused(ann: ApiUser, settings: Settings) -> None:
    foreign = msgspec.structs.replace(settings, jwt_key="k" * 32)
    async with app_client(foreign) as elsewhere:
        assert_problem(
            await ann.with_token(ann.token, client=elsewhere).request("GET", "/auth/me"), 401, "unauthorized"
        )


def with_keys(settings: Settings, signing: str, previous: str = "") -> Settings:
    return msgspec.structs.replace(settings, jwt_key=signing, jwt_previous_key=previous)


async def test_a_rotated_key_ends_no_session(ann: ApiUser, settings: Settings) -> None:
    async with app_client(identity_guarantees.with_new_key(settings)) as rotated:
        await identity_guarantees.a_rotated_key_ends_no_session(ann, rotated)


async def test_the_previous_key_signs_nothing(ann: ApiUser, settings: Settings) -> None:
    async with app_client(with_keys(settings, "n" * 32, settings.jwt_key)) as rotated:
        again = await ann.log_in_again(rotated)
    async with app_client(with_keys(settings, "n" * 32)) as later:
        assert (await again.with_token(again.token, client=later).request("GET", "/auth/me")).status_code == 200


async def test_the_next_key_can_be_accepted_before_it_signs(ann: ApiUser, settings: Settings) -> None:
    """So that several machines can be restarted one after the other."""
    async with (
        app_client(with_keys(settings, settings.jwt_key, "n" * 32)) as old,
        app_client(with_keys(settings, "n" * 32, settings.jwt_key)) as new,
    ):
        for signing, other in ((old, new), (new, old)):
            again = await ann.log_in_again(signing)
            assert (await again.with_token(again.token, client=other).request("GET", "/auth/me")).status_code == 200
            following = (await refresh(signing, again.refresh_token)).json()["refresh_token"]
            assert (await refresh(other, again.refresh_token)).json()["refresh_token"] == following


async def test_a_key_rotated_twice_is_refused(ann: ApiUser, settings: Settings) -> None:
    async with app_client(with_keys(settings, "m" * 32, "n" * 32)) as later:
        assert_problem(await ann.with_token(ann.token, client=later).request("GET", "/auth/me"), 401, "unauthorized")
        assert (await refresh(later, ann.refresh_token)).status_code == 200
