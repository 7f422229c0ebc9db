"""Registering, logging in, and who you are."""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import httpx
import jwt
import msgspec
import psycopg
import pytest

from domain.errors import WrongCredentials
from infra.database.pool import create_pool
from infra.identity import sessions
from infra.identity.passwords import Passwords
from infra.identity.rate_limits import ACCOUNT_LIMIT
from infra.identity.revocations import RevokedIds
from infra.identity.sessions import Sessions
from infra.settings import Settings
from tests.api import identity
from tests.api.opened import NOWHERE, opened
from tests.api.problems import refused
from tests.visitor import PASSWORD, Visitor

pytestmark = pytest.mark.asyncio(loop_scope="package")


def wish(email: str) -> dict[str, str]:
    return {"email": email, "name": "Ann", "password": PASSWORD}


def unused() -> str:
    return f"ann-{uuid4().hex}@example.com"


async def test_whoever_registers_can_log_in_and_is_told_who_they_are(client: httpx.AsyncClient) -> None:
    email = unused()
    registered = await client.post("/auth/register", json=wish(email))
    assert registered.status_code == 201
    assert registered.headers["location"] == "/api/v1/auth/me"
    assert registered.headers["etag"] == '"1"'
    assert registered.json().keys() == {"id", "version", "position"}
    session = await client.post("/auth/login", json={"email": email, "password": PASSWORD})
    assert session.status_code == 200
    assert session.headers["cache-control"] == "no-store"
    assert (session.json()["token_type"], session.json()["expires_in"]) == ("Bearer", 3600)
    headers = {"Authorization": f"Bearer {session.json()['access_token']}"}
    me = await client.get(registered.headers["location"].removeprefix("/api/v1"), headers=headers)
    assert me.json() == {
        **me.json(),
        "id": registered.json()["id"],
        "email": email,
        "name": "Ann",
        "kind": "human",
        "on_behalf_of": None,
        "scopes": ["read", "write", "admin"],
    }
    assert me.headers["cache-control"] == "no-store"


async def test_a_token_holds_no_personal_data(ann: Visitor) -> None:
    token = ann.headers["Authorization"].removeprefix("Bearer ")
    claims = jwt.decode(token, options={"verify_signature": False})
    assert claims.keys() == {"exp", "iat", "iss", "aud", "sub", "jti", "typ", "sid"}
    assert claims["sub"] == ann.id
    assert jwt.get_unverified_header(token).keys() == {"alg", "typ", "kid"}


async def test_the_scheme_of_a_token_is_read_in_any_case_of_letters(ann: Visitor) -> None:
    token = ann.headers["Authorization"].removeprefix("Bearer ")
    assert (await ann.client.get("/auth/me", headers={"Authorization": f"bearer {token}"})).status_code == 200


async def test_an_address_is_taken_in_any_case_of_letters(client: httpx.AsyncClient) -> None:
    email = unused()
    assert (await client.post("/auth/register", json=wish(email))).status_code == 201
    for other in (email, email.upper(), email.replace("ann", "Ann")):
        refused(await client.post("/auth/register", json=wish(other)), 409, "email_taken")
        session = await client.post("/auth/login", json={"email": other, "password": PASSWORD})
        assert session.status_code == 200


async def test_one_of_all_who_register_one_address_at_once_gets_it(client: httpx.AsyncClient) -> None:
    email = unused()
    spellings = [email if number % 2 else email.upper() for number in range(10)]
    answers = await asyncio.gather(
        *(client.post("/auth/register", json={**wish(one), "password": one + one}) for one in spellings)
    )
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 9
    for answer in answers:
        if answer.status_code == 409:
            refused(answer, 409, "email_taken")
    (winner,) = (one for one, answer in zip(spellings, answers, strict=True) if answer.status_code == 201)
    session = await client.post("/auth/login", json={"email": email, "password": winner + winner})
    assert session.status_code == 200


async def test_all_who_register_at_once_are_registered(client: httpx.AsyncClient) -> None:
    answers = await asyncio.gather(*(client.post("/auth/register", json=wish(unused())) for _ in range(10)))
    assert [answer.status_code for answer in answers] == [201] * 10
    assert len({answer.json()["id"] for answer in answers}) == 10


async def test_a_wrong_password_and_an_unknown_address_answer_alike(client: httpx.AsyncClient) -> None:
    email = unused()
    await client.post("/auth/register", json=wish(email))
    wrong = await client.post("/auth/login", json={"email": email, "password": PASSWORD + "!"})
    unknown = await client.post("/auth/login", json={"email": unused(), "password": PASSWORD})
    told = [refused(answer, 401, "wrong_credentials") for answer in (wrong, unknown)]
    assert told[0]["detail"] == told[1]["detail"]
    assert wrong.headers.keys() == unknown.headers.keys()


@pytest.mark.parametrize("email", ["", "no address", "a\0@example.com", "' or 1=1 --", "ann@example.com\n"])
async def test_what_is_no_address_belongs_to_nobody(client: httpx.AsyncClient, email: str) -> None:
    refused(await client.post("/auth/login", json={"email": email, "password": PASSWORD}), 401, "wrong_credentials")


@pytest.mark.parametrize(
    "password", ["eight ch", "пароль пароль", "🥛🥛🥛🥛🥛🥛🥛🥛", "a\0b\0c\0d\0", "  spaces  ", "x" * 200]
)
async def test_a_password_is_kept_as_it_was_typed(client: httpx.AsyncClient, password: str) -> None:
    email = unused()
    assert (await client.post("/auth/register", json={**wish(email), "password": password})).status_code == 201
    assert (await client.post("/auth/login", json={"email": email, "password": password})).status_code == 200
    other = password[:-1] + "?"
    refused(await client.post("/auth/login", json={"email": email, "password": other}), 401)


async def test_nobody_registers_where_registration_is_closed(settings: Settings, house: Visitor) -> None:
    async with opened(msgspec.structs.replace(settings, registration="closed")) as closed:
        for more in ({}, {"invitation": None}):
            answer = await closed.post("/auth/register", json={**wish(unused()), **more})
            refused(answer, 403, "registration_closed")
        answer = await closed.post("/auth/register", json={**wish(unused()), "invitation": "of nobody"})
        refused(answer, 422, "invitation_is_closed")
        assert (await closed.get("/auth/me", headers=house.headers)).status_code == 200


async def test_one_of_all_who_come_first_registers_where_registration_is_closed(own: Settings) -> None:
    """Or nobody could ever get in."""
    async with opened(msgspec.structs.replace(own, registration="closed")) as closed:
        answers = await asyncio.gather(*(closed.post("/auth/register", json=wish(unused())) for _ in range(5)))
        assert sorted(answer.status_code for answer in answers) == [201] + [403] * 4
        for answer in answers:
            if answer.status_code == 403:
                refused(answer, 403, "registration_closed")
        refused(await closed.post("/auth/register", json=wish(unused())), 403, "registration_closed")


async def test_a_changed_password_is_the_only_one(ann: Visitor, settings: Settings) -> None:
    changed = await ann.ask("POST", "/auth/password", json=change(PASSWORD, "another horse"))
    assert (changed.status_code, changed.content) == (204, b"")
    login = {"email": ann.email, "password": PASSWORD}
    refused(await ann.client.post("/auth/login", json=login), 401, "wrong_credentials")
    await ann.again(password="another horse")
    with psycopg.connect(settings.database_url) as connection:
        ((said, kept),) = connection.execute(
            """select data ->> 'password_id', password_id::text from log.event_log
               join auth.credentials on user_id = stream where stream = %s and type = 'PasswordChanged'""",
            (ann.id,),
        ).fetchall()
    assert said == f'[null, "{kept}"]'


async def test_who_proved_the_old_password_gets_no_session_after_it_changed(ann: Visitor, settings: Settings) -> None:
    """Between the proof and the session the password changes: the session would outlive it."""
    async with create_pool(settings.database_url) as connections:
        proof = await Passwords(connections).verify(UUID(ann.id), PASSWORD, contextlib.nullcontext())
        assert (await ann.ask("POST", "/auth/password", json=change(PASSWORD, "another horse"))).status_code == 204
        with pytest.raises(WrongCredentials):
            await Sessions(connections, RevokedIds(connections), settings.jwt_key).open(UUID(ann.id), proof, "")


def told(settings: Settings, ann: Visitor) -> list[tuple[str, ...]]:
    """The passwords that the log tells of, and the one that is kept."""
    with psycopg.connect(settings.database_url) as connection:
        events = connection.execute(
            """select data -> 'password_id' ->> 1 from log.event_log
               where stream = %s and type = 'PasswordChanged' order by version""",
            (ann.id,),
        ).fetchall()
        sql = "select password_id::text from auth.credentials where user_id = %s"
        return [*events, *connection.execute(sql, (ann.id,)).fetchall()]


async def test_of_two_who_change_one_password_at_once_one_does(ann: Visitor, settings: Settings) -> None:
    async with opened(settings) as other:
        both = [ann, await ann.again(other)]
        wishes = [change(PASSWORD, f"another horse {number}") for number in range(2)]
        asked = (one.ask("POST", "/auth/password", json=wish) for one, wish in zip(both, wishes, strict=True))
        answers = await asyncio.gather(*asked)
    assert sorted(answer.status_code for answer in answers) == [204, 403]
    for answer, wish in zip(answers, wishes, strict=True):
        if answer.status_code == 403:
            refused(answer, 403, "wrong_password")
        login = await log_in(ann.client, ann.email, wish["new_password"])
        assert (answer.status_code, login.status_code) in {(204, 200), (403, 401)}
    changed, kept = told(settings, ann)
    assert changed == kept


async def test_who_knew_the_old_password_changes_it_no_more_once_it_is_another(
    ann: Visitor, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    await identity.a_password_that_was_changed_proves_nothing(ann, settings, monkeypatch)
    changed, kept = told(settings, ann)
    assert changed == kept


async def test_a_change_that_was_cut_off_can_be_asked_again(
    ann: Visitor, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The log was told, and the connection lost before the new hash was kept."""
    with monkeypatch.context() as patch:
        patch.setattr(sessions, "_UPDATE_HASH_SQL", "select pg_terminate_backend(pg_backend_pid()), %s, %s, %s")
        cut = await ann.ask("POST", "/auth/password", json=change(PASSWORD, "another horse"))
        refused(cut, 503, "storage_unavailable")
    assert (await log_in(ann.client, ann.email)).status_code == 200
    assert (await ann.ask("POST", "/auth/password", json=change(PASSWORD, "another horse"))).status_code == 204
    await ann.again(password="another horse")
    *_, changed, kept = told(settings, ann)
    assert changed == kept


async def test_many_change_their_passwords_at_once(client: httpx.AsyncClient, fold: Callable[[], None]) -> None:
    """More than there are connections."""
    people = [await Visitor.settled(client, fold, "Ann") for _ in range(12)]
    wish = change(PASSWORD, "another horse")
    answers = await asyncio.gather(*(one.ask("POST", "/auth/password", json=wish) for one in people))
    assert {answer.status_code for answer in answers} == {204}


async def test_a_wrong_current_password_changes_nothing_and_is_counted(ann: Visitor, settings: Settings) -> None:
    """Whoever found an open browser does not find the password by trying."""
    async with opened(settings, "203.0.113.1") as client:
        finder = ann.holding(ann.token, client=client)
        for _ in range(ACCOUNT_LIMIT.burst):
            wrong = await finder.ask("POST", "/auth/password", json=change("wrong", "another horse"))
            refused(wrong, 403, "wrong_password")
        limited(await finder.ask("POST", "/auth/password", json=change(PASSWORD, "another horse")))
        limited(await log_in(client, ann.email))
    assert (await log_in(ann.client, ann.email)).status_code == 200


async def test_wrong_passwords_are_limited_and_the_limit_is_told(ann: Visitor, settings: Settings) -> None:
    async with opened(settings, "203.0.113.2") as client:
        for _ in range(ACCOUNT_LIMIT.burst):
            refused(await log_in(client, ann.email, "wrong"), 401, "wrong_credentials")
        limited(await log_in(client, ann.email, "wrong"))
        limited(await log_in(client, ann.email.upper()))
        refused(await log_in(client, unused()), 401, "wrong_credentials")


async def test_guesses_at_two_processes_are_counted_together(settings: Settings) -> None:
    async with opened(settings, "203.0.113.3") as one, opened(settings, "203.0.113.3") as other:
        await identity.wrong_passwords_are_counted(unused(), [one, other], ACCOUNT_LIMIT.burst)


async def test_an_owner_is_not_locked_out_by_a_stranger_elsewhere(settings: Settings, ann: Visitor) -> None:
    async with opened(settings, "203.0.113.9") as stranger:
        for _ in range(ACCOUNT_LIMIT.burst):
            refused(await log_in(stranger, ann.email, "wrong"), 401, "wrong_credentials")
        limited(await log_in(stranger, ann.email))
        for spoofed in ({"X-Forwarded-For": "127.0.0.1"}, {"Forwarded": "for=127.0.0.1"}, {"X-Real-IP": "127.0.0.1"}):
            limited(await log_in(stranger, ann.email, headers=spoofed))
    assert (await log_in(ann.client, ann.email)).status_code == 200


async def test_behind_a_proxy_that_is_trusted_each_is_limited_alone(settings: Settings, ann: Visitor) -> None:
    trusting = msgspec.structs.replace(settings, trusted_proxies="203.0.113.20")
    async with opened(trusting, "203.0.113.20") as proxied, opened(trusting, "203.0.113.21") as direct:
        for number in range(ACCOUNT_LIMIT.burst):
            headers = {"X-Forwarded-For": f"192.0.2.{number}, 198.51.100.1"}  # the first is the stranger's own word
            refused(await log_in(proxied, ann.email, "wrong", headers=headers), 401, "wrong_credentials")
        limited(await log_in(proxied, ann.email, headers={"X-Forwarded-For": "198.51.100.1"}))
        assert (await log_in(proxied, ann.email, headers={"X-Forwarded-For": "198.51.100.2"})).status_code == 200
        for number in range(ACCOUNT_LIMIT.burst):
            headers = {"X-Forwarded-For": f"192.0.2.{number}"}
            refused(await log_in(direct, ann.email, "wrong", headers=headers), 401, "wrong_credentials")
        limited(await log_in(direct, ann.email, headers={"X-Forwarded-For": "198.51.100.2"}))


async def test_who_knows_the_password_logs_in_as_often_as_they_like(ann: Visitor) -> None:
    answers = await asyncio.gather(*(log_in(ann.client, ann.email) for _ in range(2 * ACCOUNT_LIMIT.burst)))
    assert {answer.status_code for answer in answers} == {200}


async def test_without_redis_guesses_are_limited_too(settings: Settings, ann: Visitor) -> None:
    away = msgspec.structs.replace(settings, redis_url=NOWHERE, broker_url=NOWHERE)
    async with opened(away) as lonely:
        assert (await log_in(lonely, ann.email)).status_code == 200
        await identity.wrong_passwords_are_counted(ann.email, [lonely], ACCOUNT_LIMIT.burst)
        limited(await log_in(lonely, ann.email))


async def test_limits_can_be_switched_off(settings: Settings, ann: Visitor) -> None:
    async with opened(msgspec.structs.replace(settings, rate_limits="off")) as unlimited:
        for _ in range(ACCOUNT_LIMIT.burst + 2):
            refused(await log_in(unlimited, ann.email, "wrong"), 401, "wrong_credentials")


def change(current: str, new: str) -> dict[str, str]:
    return {"current_password": current, "new_password": new}


async def log_in(client: httpx.AsyncClient, email: str, password: str = PASSWORD, **more: Any) -> httpx.Response:
    return await client.post("/auth/login", json={"email": email, "password": password}, **more)


def limited(answer: httpx.Response) -> None:
    """What draft-ietf-httpapi-ratelimit-headers asks for."""
    problem = refused(answer, 429, "too_many_guesses")
    wait = int(answer.headers["retry-after"])
    assert 0 < wait <= ACCOUNT_LIMIT.interval_s
    assert problem["params"] == {"policy": "account", "quota": 10, "window": 600, "retry_after": wait}
    assert answer.headers["ratelimit-policy"] == '"account";q=10;w=600'
    assert answer.headers["ratelimit"] == f'"account";r=0;t={wait}'
