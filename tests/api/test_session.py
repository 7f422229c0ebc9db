"""Sessions: logging in, staying in, and out, here and everywhere."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import msgspec
import pytest
import pytest_asyncio

from infra.database import pool
from infra.identity.sessions import REUSE_GRACE, SESSION_LIFETIME
from infra.ids import new_id
from infra.settings import Settings
from tests.api import identity
from tests.api.identity import later, refresh
from tests.api.opened import opened, without_a_database
from tests.api.problems import refused
from tests.visitor import PASSWORD, Visitor

pytestmark = pytest.mark.asyncio(loop_scope="package")

DAY_S = 24 * 3600


@pytest_asyncio.fixture(scope="module", loop_scope="package")
async def other(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """Another process of the same installation."""
    async with opened(settings) as client:
        yield client


async def test_a_refresh_token_gets_the_next_tokens(ann: Visitor, other: httpx.AsyncClient) -> None:
    answer = await refresh(other, ann.refresh_token)
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    keys = answer.json()
    assert keys.keys() == {"access_token", "token_type", "expires_in", "refresh_token"}
    assert (keys["token_type"], keys["expires_in"]) == ("Bearer", 3600)
    assert keys["refresh_token"] != ann.refresh_token
    assert keys["access_token"] != ann.token
    for token in (ann.token, keys["access_token"]):
        assert (await ann.holding(token).ask("GET", "/auth/me")).json()["id"] == ann.id
    assert (await refresh(ann.client, keys["refresh_token"])).status_code == 200


async def test_many_refreshes_at_once_make_one_token(
    ann: Visitor, other: httpx.AsyncClient, settings: Settings
) -> None:
    await identity.many_refreshes_at_once_make_one_token(ann, other, settings)


async def test_an_answer_that_got_lost_is_given_again_for_a_moment(ann: Visitor, settings: Settings) -> None:
    first = (await refresh(ann.client, ann.refresh_token)).json()["refresh_token"]
    later(settings, ann, int(REUSE_GRACE.total_seconds()) - 2)
    assert (await refresh(ann.client, ann.refresh_token)).json()["refresh_token"] == first
    assert (await refresh(ann.client, first)).status_code == 200


async def used_too_late(ann: Visitor, settings: Settings) -> str:
    """The answer may have got lost, but that was long ago."""
    following = (await refresh(ann.client, ann.refresh_token)).json()["refresh_token"]
    later(settings, ann, int(REUSE_GRACE.total_seconds()) + 1)
    return str(following)


async def used_when_the_next_was(ann: Visitor, _: Settings) -> str:
    """The answer cannot have got lost."""
    following = (await refresh(ann.client, ann.refresh_token)).json()["refresh_token"]
    return str((await refresh(ann.client, following)).json()["refresh_token"])


@pytest.mark.parametrize("use", [used_too_late, used_when_the_next_was])
async def test_a_refresh_token_that_was_used_before_ends_the_session(
    ann: Visitor, settings: Settings, use: Callable[[Visitor, Settings], Any]
) -> None:
    elsewhere = await ann.again()
    current = await use(ann, settings)
    refused(await refresh(ann.client, ann.refresh_token), 401, "invalid_refresh_token")
    refused(await refresh(ann.client, current), 401, "invalid_refresh_token")
    refused(await ann.ask("GET", "/auth/me"), 401, "unauthorized")
    assert (await refresh(ann.client, elsewhere.refresh_token)).status_code == 200


async def test_a_session_ends_some_day_however_often_it_is_refreshed(ann: Visitor, settings: Settings) -> None:
    lasts = int(SESSION_LIFETIME.total_seconds())
    later(settings, ann, lasts - 600)
    keys = (await refresh(ann.client, ann.refresh_token)).json()
    assert 0 < keys["expires_in"] <= 600
    later(settings, ann, 600)
    refused(await refresh(ann.client, keys["refresh_token"]), 401, "invalid_refresh_token")
    assert (await ann.get("/auth/sessions"))["items"] == []


async def test_other_tokens_refresh_nothing(ann: Visitor) -> None:
    personal = await ann.program("admin")
    for token in (ann.token, personal.token, "", "x", "tlr_" + "A" * 43, ann.refresh_token + "A", "\0", "мама"):
        refused(await refresh(ann.client, token), 401, "invalid_refresh_token")
    assert (await refresh(ann.client, ann.refresh_token)).status_code == 200


async def test_a_refresh_token_opens_no_door_but_its_own(ann: Visitor) -> None:
    refused(await ann.holding(ann.refresh_token).ask("GET", "/auth/me"), 401, "unauthorized")
    assert (await refresh(ann.client, ann.refresh_token)).status_code == 200


async def test_a_session_that_ended_opens_nothing(ann: Visitor, other: httpx.AsyncClient) -> None:
    again = await ann.again()
    await identity.a_session_that_ended_opens_nothing(again, other)
    assert (await ann.ask("GET", "/auth/me")).status_code == 200
    assert (await refresh(other, ann.refresh_token)).status_code == 200


async def test_a_process_that_starts_later_knows_what_was_revoked_before(ann: Visitor, settings: Settings) -> None:
    assert (await ann.ask("POST", "/auth/logout")).status_code == 204
    async with opened(settings) as late:
        refused(await ann.holding(ann.token, client=late).ask("GET", "/auth/me"), 401, "unauthorized")


async def test_logging_out_takes_a_body_or_none(ann: Visitor) -> None:
    bodies: list[dict[str, Any]] = [{"json": {}}, {"content": b""}, {}]
    for request in bodies:
        again = await ann.again()
        assert (await again.ask("POST", "/auth/logout", **request)).status_code == 204
        refused(await again.ask("POST", "/auth/logout"), 401, "unauthorized")


async def test_a_personal_token_has_no_session_to_end(ann: Visitor) -> None:
    program = await ann.program("admin")
    refused(await program.ask("POST", "/auth/logout"), 422, "no_session")
    assert (await program.ask("GET", "/auth/me")).status_code == 200


async def test_everybody_sees_where_they_are_logged_in(ann: Visitor, bob: Visitor) -> None:
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


async def test_a_session_is_ended_from_elsewhere(ann: Visitor, other: httpx.AsyncClient) -> None:
    lost = await ann.again(other)
    wanted = next(one["id"] for one in (await lost.get("/auth/sessions"))["items"] if one["current"])
    assert (await ann.ask("DELETE", f"/auth/sessions/{wanted}")).status_code == 204
    refused(await refresh(other, lost.refresh_token), 401, "invalid_refresh_token")
    await identity.is_out_soon(lost)
    refused(await ann.ask("DELETE", f"/auth/sessions/{wanted}"), 404, "not_found")


async def test_anothers_session_is_not_found(ann: Visitor, bob: Visitor) -> None:
    theirs = (await bob.get("/auth/sessions"))["items"][0]["id"]
    for unknown in (theirs, new_id()):
        refused(await ann.ask("DELETE", f"/auth/sessions/{unknown}"), 404, "not_found")
    refused(await ann.ask("DELETE", "/auth/sessions/mine"), 400, "invalid_id")
    assert (await bob.ask("GET", "/auth/me")).status_code == 200


async def test_a_changed_password_ends_all_other_sessions(ann: Visitor, other: httpx.AsyncClient) -> None:
    elsewhere, program = await ann.again(other), await ann.program("read")
    change = {"current_password": PASSWORD, "new_password": "another horse"}
    assert (await ann.ask("POST", "/auth/password", json=change)).status_code == 204
    refused(await refresh(other, elsewhere.refresh_token), 401, "invalid_refresh_token")
    await identity.is_out_soon(elsewhere)
    refused(await ann.client.post("/auth/login", json={"email": ann.email, "password": PASSWORD}), 401)
    assert (await (await ann.again(password="another horse")).ask("GET", "/auth/me")).status_code == 200
    for still in (ann, program):
        assert (await still.ask("GET", "/auth/me")).status_code == 200
    assert (await refresh(ann.client, ann.refresh_token)).status_code == 200


async def test_while_the_database_is_away_sessions_go_on_by_signature_and_expiry(
    ann: Visitor, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "POOL_TIMEOUT_S", 0.1)
    program = await ann.program("read")
    async with opened(without_a_database(settings)) as lonely:
        refused(await ann.holding(ann.token, client=lonely).ask("GET", "/tasks/milk"), 400, "invalid_id")
        refused(await ann.holding(ann.token + "x", client=lonely).ask("GET", "/tasks/milk"), 401, "unauthorized")
        refused(await ann.holding(program.token, client=lonely).ask("GET", "/tasks/milk"), 503, "storage_unavailable")
        refused(await refresh(lonely, ann.refresh_token), 503, "storage_unavailable")


async def test_a_token_of_another_installation_is_none(ann: Visitor, settings: Settings) -> None:
    foreign = msgspec.structs.replace(settings, jwt_key="k" * 32)
    async with opened(foreign) as elsewhere:
        refused(await ann.holding(ann.token, client=elsewhere).ask("GET", "/auth/me"), 401, "unauthorized")
