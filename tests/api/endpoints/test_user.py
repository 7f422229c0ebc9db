"""Users over HTTP: registration, log-in, the current user, and passwords."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from functools import partial
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import httpx
import jwt
import msgspec
import psycopg
import pytest
import pytest_asyncio
from msgspec.structs import replace

from api.app import create_app
from domain.errors import TooBusy, WrongCredentials
from infra.identity import hashing, refusal_pause, sessions
from infra.identity.email_addresses import EmailAddresses
from infra.identity.passwords import Passwords
from infra.messaging import redis_clients
from infra.rate_limits import attempts
from infra.rate_limits.limit import ACCOUNT_LIMIT, REGISTRATION_LIMIT
from infra.settings import Settings
from tests import planted_defects
from tests.api import identity_guarantees
from tests.api.in_process_app import UNREACHABLE_REDIS_URL, app_client, app_clients
from tests.api.problems import assert_problem
from tests.api_user import PASSWORD, ApiUser
from tests.planted_defects import assert_async_check_fails

pytestmark = pytest.mark.asyncio(loop_scope="package")


def registration(email: str) -> dict[str, str]:
    return {"email": email, "name": "Ann", "password": PASSWORD}


def unused_email() -> str:
    return f"ann-{uuid4().hex}@example.com"


async def test_a_registered_user_can_log_in_and_see_their_profile(client: httpx.AsyncClient) -> None:
    email = unused_email()
    registered = await client.post("/auth/register", json=registration(email))
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


async def test_a_token_holds_no_personal_data(ann: ApiUser) -> None:
    token = ann.headers["Authorization"].removeprefix("Bearer ")
    claims = jwt.decode(token, options={"verify_signature": False})
    assert claims.keys() == {"exp", "iat", "iss", "aud", "sub", "jti", "typ", "sid"}
    assert claims["sub"] == ann.id
    assert jwt.get_unverified_header(token).keys() == {"alg", "typ", "kid"}


async def test_the_bearer_scheme_is_case_insensitive(ann: ApiUser) -> None:
    token = ann.headers["Authorization"].removeprefix("Bearer ")
    assert (await ann.client.get("/auth/me", headers={"Authorization": f"bearer {token}"})).status_code == 200


async def test_an_address_is_unique_in_any_case(client: httpx.AsyncClient) -> None:
    email = unused_email()
    assert (await client.post("/auth/register", json=registration(email))).status_code == 201
    for other in (email, email.upper(), email.replace("ann", "Ann")):
        assert_problem(await client.post("/auth/register", json=registration(other)), 409, "email_taken")
        session = await client.post("/auth/login", json={"email": other, "password": PASSWORD})
        assert session.status_code == 200


async def test_concurrent_registrations_of_one_address_succeed_once(client: httpx.AsyncClient) -> None:
    email = unused_email()
    spellings = [email if number % 2 else email.upper() for number in range(10)]
    answers = await asyncio.gather(
        *(client.post("/auth/register", json={**registration(one), "password": one + one}) for one in spellings)
    )
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 9
    for answer in answers:
        if answer.status_code == 409:
            assert_problem(answer, 409, "email_taken")
    (winner,) = (one for one, answer in zip(spellings, answers, strict=True) if answer.status_code == 201)
    session = await client.post("/auth/login", json={"email": email, "password": winner + winner})
    assert session.status_code == 200


async def test_concurrent_registrations_all_succeed(client: httpx.AsyncClient) -> None:
    answers = await asyncio.gather(
        *(client.post("/auth/register", json=registration(unused_email())) for _ in range(10))
    )
    assert [answer.status_code for answer in answers] == [201] * 10
    assert len({answer.json()["id"] for answer in answers}) == 10


async def test_a_wrong_password_and_an_unknown_address_answer_alike(client: httpx.AsyncClient) -> None:
    email = unused_email()
    await client.post("/auth/register", json=registration(email))
    wrong = await client.post("/auth/login", json={"email": email, "password": PASSWORD + "!"})
    unknown = await client.post("/auth/login", json={"email": unused_email(), "password": PASSWORD})
    problems = [assert_problem(answer, 401, "wrong_credentials") for answer in (wrong, unknown)]
    assert problems[0]["detail"] == problems[1]["detail"]
    assert wrong.headers.keys() == unknown.headers.keys()


@pytest.mark.parametrize("email", ["", "no address", "a\0@example.com", "' or 1=1 --", "ann@example.com\n"])
async def test_a_login_with_an_invalid_address_is_refused(client: httpx.AsyncClient, email: str) -> None:
    assert_problem(
        await client.post("/auth/login", json={"email": email, "password": PASSWORD}), 401, "wrong_credentials"
    )


@pytest.mark.parametrize(
    "password", ["eight ch", "пароль пароль", "🥛🥛🥛🥛🥛🥛🥛🥛", "a\0b\0c\0d\0", "  spaces  ", "x" * 200]
)
async def test_a_password_is_used_exactly_as_typed(client: httpx.AsyncClient, password: str) -> None:
    email = unused_email()
    assert (await client.post("/auth/register", json={**registration(email), "password": password})).status_code == 201
    assert (await client.post("/auth/login", json={"email": email, "password": password})).status_code == 200
    other = password[:-1] + "?"
    assert_problem(await client.post("/auth/login", json={"email": email, "password": other}), 401)


async def test_closed_registration_refuses_registrations(settings: Settings, shared_user: ApiUser) -> None:
    async with app_client(msgspec.structs.replace(settings, registration="closed")) as closed:
        for more in ({}, {"invitation": None}):
            answer = await closed.post("/auth/register", json={**registration(unused_email()), **more})
            assert_problem(answer, 403, "registration_closed")
        answer = await closed.post("/auth/register", json={**registration(unused_email()), "invitation": "of nobody"})
        assert_problem(answer, 422, "invitation_is_closed")
        assert (await closed.get("/auth/me", headers=shared_user.headers)).status_code == 200


async def test_closed_registration_admits_one_first_user(isolated_settings: Settings) -> None:
    """Without a first user, the installation would be unusable."""
    async with app_client(msgspec.structs.replace(isolated_settings, registration="closed")) as closed:
        answers = await asyncio.gather(
            *(closed.post("/auth/register", json=registration(unused_email())) for _ in range(5))
        )
        assert sorted(answer.status_code for answer in answers) == [201] + [403] * 4
        for answer in answers:
            if answer.status_code == 403:
                assert_problem(answer, 403, "registration_closed")
        assert_problem(
            await closed.post("/auth/register", json=registration(unused_email())), 403, "registration_closed"
        )


async def test_only_the_new_password_works_after_a_change(ann: ApiUser, settings: Settings) -> None:
    changed = await ann.request("POST", "/auth/password", json=password_change(PASSWORD, "another horse"))
    assert (changed.status_code, changed.content) == (204, b"")
    login = {"email": ann.email, "password": PASSWORD}
    assert_problem(await ann.client.post("/auth/login", json=login), 401, "wrong_credentials")
    await ann.log_in_again(password="another horse")
    with psycopg.connect(settings.database_url) as connection:
        ((logged, kept),) = connection.execute(
            """select data ->> 'password_id', password_id::text from log.event_log
               join auth.credentials on user_id = stream where stream = %s and type = 'PasswordChanged'""",
            (ann.id,),
        ).fetchall()
    assert logged == f'[null, "{kept}"]'


async def test_a_login_begun_with_the_old_password_gets_no_session(ann: ApiUser, settings: Settings) -> None:
    """The password changes between its verification and the new session, which would outlive it."""
    _, ledger = create_app(settings)
    async with ledger.pool:
        proof = await ledger.passwords.verify(UUID(ann.id), PASSWORD)
        assert (
            await ann.request("POST", "/auth/password", json=password_change(PASSWORD, "another horse"))
        ).status_code == 204
        with pytest.raises(WrongCredentials):
            await ledger.sessions.open(UUID(ann.id), proof, "", "")


def password_ids(settings: Settings, ann: ApiUser) -> list[tuple[str, ...]]:
    """The password ids in the log, and the stored one."""
    with psycopg.connect(settings.database_url) as connection:
        events = connection.execute(
            """select data -> 'password_id' ->> 1 from log.event_log
               where stream = %s and type = 'PasswordChanged' order by version""",
            (ann.id,),
        ).fetchall()
        sql = "select password_id::text from auth.credentials where user_id = %s"
        return [*events, *connection.execute(sql, (ann.id,)).fetchall()]


async def test_concurrent_password_changes_succeed_once(ann: ApiUser, settings: Settings) -> None:
    async with app_client(settings) as other:
        both = [ann, await ann.log_in_again(other)]
        changes = [password_change(PASSWORD, f"another horse {number}") for number in range(2)]
        asked = (one.request("POST", "/auth/password", json=change) for one, change in zip(both, changes, strict=True))
        answers = await asyncio.gather(*asked)
    assert sorted(answer.status_code for answer in answers) == [204, 403]
    for answer, change in zip(answers, changes, strict=True):
        if answer.status_code == 403:
            assert_problem(answer, 403, "wrong_password")
        login = await log_in(ann.client, ann.email, change["new_password"])
        assert (answer.status_code, login.status_code) in {(204, 200), (403, 401)}
    changed, kept = password_ids(settings, ann)
    assert changed == kept


async def test_a_proof_by_the_old_password_is_refused(
    ann: ApiUser, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    await identity_guarantees.a_proof_by_the_old_password_is_refused(ann, settings, monkeypatch)
    changed, kept = password_ids(settings, ann)
    assert changed == kept


async def test_an_interrupted_password_change_can_be_retried(
    ann: ApiUser, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The event was appended, and the connection lost before the new hash was stored."""
    with monkeypatch.context() as patch:
        patch.setattr(sessions, "_UPDATE_HASH_SQL", "select pg_terminate_backend(pg_backend_pid()), %s, %s, %s")
        cut = await ann.request("POST", "/auth/password", json=password_change(PASSWORD, "another horse"))
        assert_problem(cut, 503, "storage_unavailable")
    assert (await log_in(ann.client, ann.email)).status_code == 200
    assert (
        await ann.request("POST", "/auth/password", json=password_change(PASSWORD, "another horse"))
    ).status_code == 204
    await ann.log_in_again(password="another horse")
    *_, changed, kept = password_ids(settings, ann)
    assert changed == kept


async def test_many_change_their_passwords_at_once(client: httpx.AsyncClient, fold: Callable[[], None]) -> None:
    """There are more concurrent requests than connections."""
    people = [await ApiUser.register_with_project(client, fold, "Ann") for _ in range(12)]
    change = password_change(PASSWORD, "another horse")
    answers = await asyncio.gather(*(one.request("POST", "/auth/password", json=change) for one in people))
    assert {answer.status_code for answer in answers} == {204}


async def test_a_wrong_current_password_changes_nothing_and_is_counted(ann: ApiUser, settings: Settings) -> None:
    """A person at an unlocked browser cannot guess the password."""
    async with app_client(settings, "203.0.113.1") as client:
        finder = ann.with_token(ann.token, client=client)
        for _ in range(ACCOUNT_LIMIT.quota):
            wrong = await finder.request("POST", "/auth/password", json=password_change("wrong", "another horse"))
            assert_problem(wrong, 403, "wrong_password")
        assert_rate_limited(
            await finder.request("POST", "/auth/password", json=password_change(PASSWORD, "another horse"))
        )
        assert_rate_limited(await log_in(client, ann.email))
    assert (await log_in(ann.client, ann.email)).status_code == 200


async def test_wrong_passwords_are_limited_and_the_limit_is_reported(ann: ApiUser, settings: Settings) -> None:
    async with app_client(settings, "203.0.113.2") as client:
        for _ in range(ACCOUNT_LIMIT.quota):
            assert_problem(await log_in(client, ann.email, "wrong"), 401, "wrong_credentials")
        assert_rate_limited(await log_in(client, ann.email, "wrong"))
        assert_rate_limited(await log_in(client, ann.email.upper()))
        assert_problem(await log_in(client, unused_email()), 401, "wrong_credentials")


async def test_guesses_at_two_processes_are_counted_together(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis_clients, "REDIS_S", 30.0)  # limits are exact only while Redis answers
    async with app_client(settings, "203.0.113.3") as one, app_client(settings, "203.0.113.3") as other:
        await identity_guarantees.failed_logins_are_counted_across_processes(
            unused_email(), [one, other], ACCOUNT_LIMIT.quota
        )


async def test_guesses_from_elsewhere_do_not_lock_the_user_out(settings: Settings, ann: ApiUser) -> None:
    async with app_client(settings, "203.0.113.9") as stranger:
        for _ in range(ACCOUNT_LIMIT.quota):
            assert_problem(await log_in(stranger, ann.email, "wrong"), 401, "wrong_credentials")
        assert_rate_limited(await log_in(stranger, ann.email))
        for spoofed in ({"X-Forwarded-For": "127.0.0.1"}, {"Forwarded": "for=127.0.0.1"}, {"X-Real-IP": "127.0.0.1"}):
            assert_rate_limited(await log_in(stranger, ann.email, headers=spoofed))
    assert (await log_in(ann.client, ann.email)).status_code == 200


async def test_behind_a_trusted_proxy_clients_are_limited_separately(settings: Settings, ann: ApiUser) -> None:
    trusting = msgspec.structs.replace(settings, trusted_proxies="203.0.113.20")
    async with app_client(trusting, "203.0.113.20") as proxied, app_client(trusting, "203.0.113.21") as direct:
        for number in range(ACCOUNT_LIMIT.quota):
            headers = {"X-Forwarded-For": f"192.0.2.{number}, 198.51.100.1"}  # the first is forged by the client
            assert_problem(await log_in(proxied, ann.email, "wrong", headers=headers), 401, "wrong_credentials")
        assert_rate_limited(await log_in(proxied, ann.email, headers={"X-Forwarded-For": "198.51.100.1"}))
        assert (await log_in(proxied, ann.email, headers={"X-Forwarded-For": "198.51.100.2"})).status_code == 200
        for number in range(ACCOUNT_LIMIT.quota):
            headers = {"X-Forwarded-For": f"192.0.2.{number}"}
            assert_problem(await log_in(direct, ann.email, "wrong", headers=headers), 401, "wrong_credentials")
        assert_rate_limited(await log_in(direct, ann.email, headers={"X-Forwarded-For": "198.51.100.2"}))


async def test_successful_logins_are_not_limited(ann: ApiUser) -> None:
    """As many at once as there may be guesses, again and again."""
    for _ in range(3):
        answers = await asyncio.gather(*(log_in(ann.client, ann.email) for _ in range(ACCOUNT_LIMIT.quota)))
        assert {answer.status_code for answer in answers} == {200}


async def test_a_registration_counts_before_its_address_is_looked_up(
    settings: Settings, ann: ApiUser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attempts, "REGISTRATION_LIMIT", replace(REGISTRATION_LIMIT, quota=3, window_s=180))
    async with app_client(settings, "203.0.113.30") as client:
        for _ in range(3):
            assert_problem(await client.post("/auth/register", json=registration(ann.email)), 409, "email_taken")
        for email in (ann.email, unused_email()):
            refused = await client.post("/auth/register", json=registration(email))
            problem = assert_problem(refused, 429, "too_many_registrations")
            assert problem["params"]["policy"] == "registrations"
            assert refused.headers["ratelimit-policy"] == '"registrations";q=3;w=180'
            assert 0 < int(refused.headers["retry-after"]) <= 60
        assert (await log_in(client, ann.email)).status_code == 200


@pytest.mark.parametrize("failing", ["turn", "lookup", "hash", "storing"])
async def test_a_registration_counts_once_it_was_decided_or_hashed(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    """What a busy server or an absent database refuses is not held against the client."""
    monkeypatch.setattr(attempts, "REGISTRATION_LIMIT", replace(REGISTRATION_LIMIT, quota=3, window_s=3_000))
    is_counted = failing in {"hash", "storing"}
    unused_address = f"2001:db8:{uuid4().hex[:4]}:{uuid4().hex[:4]}::1"
    async with app_client(settings, unused_address) as client:
        with monkeypatch.context() as patch:
            _plant_failure(patch, failing)
            for _ in range(4 if not is_counted else 3):
                answer = await client.post("/auth/register", json=registration(unused_email()))
                assert answer.status_code == 503, answer.text
        answer = await client.post("/auth/register", json=registration(unused_email()))
        assert answer.status_code == (429 if is_counted else 201), answer.text


def _plant_failure(patch: pytest.MonkeyPatch, place: str) -> None:
    """Let registrations fail at this place."""

    async def fail(*_: object) -> None:
        raise psycopg.OperationalError("PostgreSQL is away")

    def refuse(*_: object) -> None:
        raise TooBusy

    match place:
        case "turn":
            patch.setattr(hashing.HashingTurns, "turn", refuse)
        case "lookup":
            patch.setattr(EmailAddresses, "find_user", fail)
        case "hash":
            patch.setattr(Passwords, "hash", fail)
        case "storing":
            patch.setattr(Passwords, "store", fail)


@pytest.fixture
def _slow_hashing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hash takes as long as a real one, without its load; limits let some of the attack through, refusals pause."""
    verify, hash_ = hashing._HASHER.verify, hashing._HASHER.hash  # noqa: SLF001 - the hasher of the test run

    def slow(work: Callable[..., Any], *arguments: Any) -> Any:
        time.sleep(0.03)  # how long a hash takes is what the attack is about
        return work(*arguments)

    hasher = SimpleNamespace(verify=partial(slow, verify), hash=partial(slow, hash_))
    monkeypatch.setattr(hashing, "_HASHER", hasher)
    monkeypatch.setattr(attempts, "REGISTRATION_LIMIT", REGISTRATION_LIMIT)
    monkeypatch.setattr(refusal_pause, "REFUSAL_PAUSE_S", 0.2)


@pytest_asyncio.fixture(loop_scope="package")
async def bad_and_good(settings: Settings, _slow_hashing: None) -> AsyncIterator[list[httpx.AsyncClient]]:
    """Clients of one application, from two addresses that no limit has counted yet."""
    bad, good = (f"2001:db8:{uuid4().hex[:4]}:{uuid4().hex[:4]}::1" for _ in range(2))
    async with app_clients(settings, bad, good) as clients:
        yield clients


async def test_no_log_in_waits_for_another_address(ann: ApiUser, bad_and_good: list[httpx.AsyncClient]) -> None:
    await identity_guarantees.no_log_in_waits_for_another_address(ann, *bad_and_good)


async def test_one_queue_for_all_hashing_is_noticed(
    ann: ApiUser, bad_and_good: list[httpx.AsyncClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    planted_defects.one_queue_for_all_hashing(monkeypatch)
    await assert_async_check_fails(partial(identity_guarantees.no_log_in_waits_for_another_address, ann, *bad_and_good))


async def test_without_redis_guesses_are_limited_too(settings: Settings, ann: ApiUser) -> None:
    away = msgspec.structs.replace(settings, redis_url=UNREACHABLE_REDIS_URL, broker_url=UNREACHABLE_REDIS_URL)
    async with app_client(away) as lonely:
        assert (await log_in(lonely, ann.email)).status_code == 200
        await identity_guarantees.failed_logins_are_counted_across_processes(ann.email, [lonely], ACCOUNT_LIMIT.quota)
        assert_rate_limited(await log_in(lonely, ann.email))


async def test_limits_can_be_switched_off(settings: Settings, ann: ApiUser) -> None:
    async with app_client(msgspec.structs.replace(settings, rate_limits="off")) as unlimited:
        for _ in range(ACCOUNT_LIMIT.quota + 2):
            assert_problem(await log_in(unlimited, ann.email, "wrong"), 401, "wrong_credentials")


def password_change(current: str, new: str) -> dict[str, str]:
    return {"current_password": current, "new_password": new}


async def log_in(client: httpx.AsyncClient, email: str, password: str = PASSWORD, **more: Any) -> httpx.Response:
    return await client.post("/auth/login", json={"email": email, "password": password}, **more)


def assert_rate_limited(response: httpx.Response) -> None:
    """Assert the headers of draft-ietf-httpapi-ratelimit-headers."""
    problem = assert_problem(response, 429, "too_many_guesses")
    wait = int(response.headers["retry-after"])
    assert 0 < wait <= 60
    assert problem["params"] == {"policy": "account", "quota": 10, "window": 600, "retry_after": wait}
    assert response.headers["ratelimit-policy"] == '"account";q=10;w=600'
    assert response.headers["ratelimit"] == f'"account";r=0;t={wait}'
