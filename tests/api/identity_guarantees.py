"""Guarantees of identity: sessions, tokens, passwords and invitations; each a check that fails if it is broken."""

import asyncio
import itertools
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any
from uuid import uuid4

import httpx
import msgspec
import psycopg
import pytest
import redis

from infra.cancel import cancel_all
from infra.identity.invitations import Invitations
from infra.identity.passwords import Passwords
from infra.settings import Settings
from tests.api.in_process_app import app_client
from tests.api.problems import assert_problem
from tests.api.verified_users import RESET_PREFIX, VERIFICATION_PREFIX
from tests.api_user import PASSWORD, ApiUser
from tests.fake_smtp_server import FakeSmtpServer

CONCURRENT_REFRESHES = 50
ATTACKING_CLIENTS = 120
LOG_IN_TIMEOUT_S = 2.0
REVOCATION_TIMEOUT_S = 2.0
"""Twice the guaranteed second, for a busy machine."""


async def refresh(client: httpx.AsyncClient, token: str) -> httpx.Response:
    return await client.post("/auth/refresh", json={"refresh_token": token})


async def concurrent_refreshes_issue_one_token(
    ann: ApiUser, other_process: httpx.AsyncClient, settings: Settings
) -> None:
    """Through two processes: all get the same new refresh token, and only one row is added."""
    clients = [ann.client if number % 2 else other_process for number in range(CONCURRENT_REFRESHES)]
    answers = await asyncio.gather(*(refresh(client, ann.refresh_token) for client in clients))
    assert Counter(answer.status_code for answer in answers) == {200: CONCURRENT_REFRESHES}
    assert len({answer.json()["refresh_token"] for answer in answers}) == 1
    assert refresh_token_count(settings, ann) == 2
    assert (await ann.request("GET", "/auth/me")).status_code == 200
    assert (await refresh(other_process, answers[0].json()["refresh_token"])).status_code == 200


async def an_ended_session_is_refused(ann: ApiUser, other: httpx.AsyncClient) -> None:
    """At once in the process that revokes it, within a second in others, although both have the token cached."""
    elsewhere = ann.with_token(ann.token, ann.refresh_token, other)
    for visitor in (ann, elsewhere):
        assert (await visitor.request("GET", "/auth/me")).status_code == 200
    assert (await ann.request("POST", "/auth/logout")).status_code == 204
    assert_problem(await ann.request("GET", "/auth/me"), 401, "unauthorized")
    assert_problem(await refresh(other, ann.refresh_token), 401, "invalid_refresh_token")
    await assert_refused_soon(elsewhere)


async def a_revoked_token_is_refused(ann: ApiUser, other: httpx.AsyncClient) -> None:
    made = await ann.post("/auth/tokens", name="Nightly import", scopes=["read"], kind="agent")
    here, elsewhere = ann.with_token(made["token"]), ann.with_token(made["token"], client=other)
    for visitor in (here, elsewhere):
        assert (await visitor.request("GET", "/auth/me")).status_code == 200
    assert (await ann.request("DELETE", f"/auth/tokens/{made['id']}")).status_code == 204
    assert_problem(await here.request("GET", "/auth/me"), 401, "unauthorized")
    await assert_refused_soon(elsewhere)


async def assert_refused_soon(visitor: ApiUser) -> None:
    """Assert that a token is refused before long."""
    began = time.monotonic()
    while (answer := await visitor.request("GET", "/auth/me")).status_code == 200:
        assert time.monotonic() - began < REVOCATION_TIMEOUT_S, "the token is still accepted"
        await asyncio.sleep(0.02)
    assert_problem(answer, 401, "unauthorized")


async def an_agent_cannot_manage_the_account(ann: ApiUser) -> None:
    """Whatever the scope of its token, an agent issues no tokens and neither lists nor ends its user's sessions."""
    agent = await ann.with_personal_token("read", "write", "admin", kind="agent")
    session = (await ann.get("/auth/sessions"))["items"][0]["id"]
    token = (await ann.get("/auth/tokens"))["items"][0]["id"]
    password = {"current_password": PASSWORD, "new_password": PASSWORD + "!"}
    for method, path, body in [
        ("POST", "/auth/tokens", {"name": "x", "scopes": ["read"]}),
        ("GET", "/auth/tokens", None),
        ("GET", f"/auth/tokens/{token}", None),
        ("DELETE", f"/auth/tokens/{token}", None),
        ("GET", "/auth/sessions", None),
        ("DELETE", f"/auth/sessions/{session}", None),
        ("POST", "/auth/password", password),
    ]:
        assert_problem(await agent.request(method, path, **({"json": body} if body else {})), 403, "forbidden")
    assert (await ann.request("GET", "/auth/me")).status_code == 200
    assert len((await ann.get("/auth/tokens"))["items"]) == 1


async def a_proof_by_the_old_password_is_refused(ann: ApiUser, settings: Settings, patch: pytest.MonkeyPatch) -> None:
    """A request that verified the old password before the change cannot set a new one after it."""
    hashed, began, may_go_on = Passwords.hash, asyncio.Event(), asyncio.Event()

    async def slow(credentials: Passwords, password: str) -> str:
        if password == "mallorys horse":
            began.set()
            await may_go_on.wait()
        return await hashed(credentials, password)

    patch.setattr(Passwords, "hash", slow)
    async with app_client(settings) as other:
        mallory = await ann.log_in_again(other)
        theirs = {"current_password": PASSWORD, "new_password": "mallorys horse"}
        late = asyncio.create_task(mallory.request("POST", "/auth/password", json=theirs))
        await began.wait()
        change = {"current_password": PASSWORD, "new_password": "another horse"}
        changed = await ann.request("POST", "/auth/password", json=change)
        may_go_on.set()
        answer = await late
    assert changed.status_code == 204
    assert_problem(answer, 403, "wrong_password")
    login = {"email": ann.email, "password": "mallorys horse"}
    assert_problem(await ann.client.post("/auth/login", json=login), 401, "wrong_credentials")
    await ann.log_in_again(password="another horse")
    assert (await ann.request("GET", "/auth/me")).status_code == 200


def registration_body(email: str, token: str) -> dict[str, str]:
    return {"email": email, "name": "Eve", "password": PASSWORD, "invitation": token}


async def a_closed_invitation_is_refused(
    host: ApiUser, box: FakeSmtpServer, settings: Settings, patch: pytest.MonkeyPatch
) -> None:
    """Even if the process ended before the row of a revoked invitation was deleted."""

    async def gone(*_: object) -> None:
        raise psycopg.OperationalError("gone")

    path, email = f"/workspaces/{host.workspace}/invitations", f"eve-{uuid4().hex}@example.com"
    made = [(await host.post(path, email=each))["id"] for each in (email, host.email)]
    with patch.context() as away:
        away.setattr(Invitations, "delete", gone)
        for each in made:
            assert_problem(await host.request("DELETE", f"/invitations/{each}"), 503, "storage_unavailable")
    async with app_client(msgspec.structs.replace(settings, registration="closed")) as closed:
        answer = await closed.post("/auth/register", json=registration_body(email, box.invitation_token(0)))
    assert_problem(answer, 422, "invitation_is_closed")
    assert (await host.get(path))["items"] == []
    assert_problem(await host.request("GET", f"/invitations/{made[0]}"), 404)
    assert_problem(await host.request("POST", "/invitations/accept", json={"token": box.invitation_token(1)}), 404)


async def a_printed_token_is_not_logged_and_names_no_address(
    host: ApiUser, guest: ApiUser, logged: list[str], output: pytest.CaptureFixture[str]
) -> None:
    """Without a mail server: on standard output, which an operator sees, and nowhere else."""
    await host.post(f"/workspaces/{host.workspace}/invitations", email=guest.email)
    printed = output.readouterr()
    (line,) = [one for one in printed.out.splitlines() if "tli_" in one]
    token = line.rpartition(" ")[2]
    assert not any(token in text or guest.email in text for text in logged)
    assert token not in printed.err
    assert "@" not in printed.out
    assert (await guest.request("POST", "/invitations/accept", json={"token": token})).status_code == 200


async def failed_logins_are_counted_across_processes(
    account: str, clients: Sequence[httpx.AsyncClient], max_attempts: int
) -> None:
    """With any number of processes, concurrently: only the limit of guesses is verified, the others are refused."""
    body = {"email": account, "password": "wrong"}
    answers = await asyncio.gather(
        *(client.post("/auth/login", json=body) for client in clients for _ in range(max_attempts))
    )
    counts = Counter(answer.status_code for answer in answers)
    assert counts == Counter({401: max_attempts, 429: max_attempts * (len(clients) - 1)})


async def no_log_in_waits_for_another_address(
    ann: ApiUser, bad: httpx.AsyncClient, elsewhere: httpx.AsyncClient
) -> None:
    """While many clients of one address register and guess without a pause, log-ins from elsewhere are answered."""
    is_full, refusals = asyncio.Event(), itertools.count(1)

    async def attack(number: int) -> None:
        while True:
            body = {"email": f"eve-{number}-{uuid4().hex}@example.com", "password": "a bad password"}
            path, more = ("/auth/register", {"name": "Eve"}) if number % 2 else ("/auth/login", {})
            is_refused = (await bad.post(path, json={**body, **more})).status_code in {429, 503}
            if is_refused and next(refusals) == ATTACKING_CLIENTS // 2:
                is_full.set()

    attackers = [asyncio.create_task(attack(number)) for number in range(ATTACKING_CLIENTS)]
    try:
        await asyncio.wait_for(is_full.wait(), 30)
        await asyncio.wait_for(ann.log_in_again(elsewhere), LOG_IN_TIMEOUT_S)
    except TimeoutError as error:
        raise AssertionError("a log-in from elsewhere takes too long") from error
    finally:
        await cancel_all(*attackers)


async def no_secret_is_stored_in_clear(
    ann: ApiUser, box: FakeSmtpServer, settings: Settings, logged: list[str]
) -> None:
    """After requests to every endpoint that takes, returns or mails a secret, none is found in clear."""
    secrets = await _use_every_mailed_secret(ann, box) | await _use_every_secret(ann)
    kept = [
        *_table_rows(settings),
        *_redis_entries(settings.redis_url),
        *_redis_entries(settings.broker_url),
        "\n".join(logged),
    ]
    assert any(ann.id in text for text in kept)
    for name, secret in secrets.items():
        for form in (secret, secret.encode().hex()):
            assert not any(form in text for text in kept), name


async def _use_every_mailed_secret(ann: ApiUser, box: FakeSmtpServer) -> dict[str, str]:
    """Every secret that was mailed, used and unused ones."""
    guest = await ApiUser.register_with_project(ann.client, ann.fold, "Guest")
    verification = await box.wait_for_token(VERIFICATION_PREFIX, guest.email)
    assert (await guest.request("POST", "/auth/verification")).status_code == 202
    next_verification = await box.wait_for_token(VERIFICATION_PREFIX, guest.email, 2)
    assert (await guest.client.post("/auth/verify", json={"token": next_verification})).status_code == 204
    await ann.post(f"/workspaces/{ann.workspace}/invitations", email=guest.email)
    tokens = list[str]()
    for count in (1, 2):
        assert (await ann.client.post("/auth/password/forgot", json={"email": guest.email})).status_code == 202
        tokens.append(await box.wait_for_token(RESET_PREFIX, guest.email, count))
        body = {"token": tokens[-1], "password": f"{guest.id} a reset password"}
        if count == 1:
            assert (await ann.client.post("/auth/password/reset", json=body)).status_code == 204
            assert (await ann.client.post("/auth/password/reset", json=body)).status_code == 422
    return {
        "a verification token that was replaced": verification,
        "a verification token": next_verification,
        "an invitation token": box.invitation_token(),
        "a reset token that was used": tokens[0],
        "a reset token": tokens[1],
        "a password that was set by a reset": f"{guest.id} a reset password",
    }


async def _use_every_secret(ann: ApiUser) -> dict[str, str]:
    """Every secret that was sent or received."""
    new, wrong = f"{ann.id} a new password", f"{ann.id} a wrong password"
    again = await ann.log_in_again()
    keys = (await refresh(ann.client, again.refresh_token)).json()
    personal = await ann.with_personal_token("admin", kind="human")
    agent = await ann.with_personal_token("write", kind="agent")
    await agent.create_task("Made by an agent")
    await agent.get("/workspaces")
    await refresh(ann.client, personal.token)
    await ann.client.get("/auth/me", headers={"Authorization": f"Bearer {again.refresh_token}"})
    await ann.client.post("/auth/login", json={"email": ann.email, "password": wrong})
    change = {"current_password": PASSWORD, "new_password": new}
    assert (await ann.request("POST", "/auth/password", json={**change, "current_password": wrong})).status_code == 403
    assert (await ann.request("POST", "/auth/password", json=change)).status_code == 204
    last = await ann.log_in_again(password=new)
    assert (await last.request("POST", "/auth/logout")).status_code == 204
    return {
        "the password": PASSWORD,
        "the new password": new,
        "a wrong password": wrong,
        "an access token": ann.token,
        "the signature of an access token": ann.token.rpartition(".")[2],
        "an access token that was refreshed": keys["access_token"],
        "an access token that was revoked": last.token,
        "the first refresh token": ann.refresh_token,
        "a refresh token that was rotated": again.refresh_token,
        "a refresh token that is good": keys["refresh_token"],
        "a personal token": personal.token,
        "an agent's token": agent.token,
    }


def _table_rows(settings: Settings) -> list[str]:
    """All rows of all tables, as text."""
    with psycopg.connect(settings.migration_url) as owner:
        names = owner.execute(
            """select format('%I.%I', schemaname, tablename) from pg_tables
               where schemaname in ('log', 'auth', 'read')"""
        ).fetchall()
        every = [f"select t::text from {name} t".encode() for (name,) in names]  # noqa: S608 - names of tables
        return [text for sql in every for (text,) in owner.execute(sql)]


def _redis_entries(url: str) -> list[str]:
    """All keys and values, as text."""
    with redis.Redis.from_url(url) as client:
        return [f"{key!r} {_redis_value(client, key)!r}" for key in client.scan_iter()]


def _redis_value(client: "redis.Redis", key: bytes) -> Any:
    kind = client.type(key)
    read: dict[Any, Any] = {
        b"string": client.get,
        b"list": lambda name: client.lrange(name, 0, -1),
        b"hash": client.hgetall,
        b"set": client.smembers,
        b"zset": lambda name: client.zrange(name, 0, -1, withscores=True),
    }
    return read[kind](key) if kind in read else None


def refresh_token_count(settings: Settings, user: ApiUser) -> int:
    """The number of refresh tokens in the sessions of a user."""
    sql = """select count(*) from auth.refresh_tokens join auth.sessions on sessions.id = session_id
        where user_id = %s"""
    with psycopg.connect(settings.database_url) as connection:
        ((count,),) = connection.execute(sql, (user.id,)).fetchall()
    return int(count)


def age_credentials(settings: Settings, user: ApiUser, seconds: int) -> None:
    """Age the sessions and tokens of a user by moving their times back."""
    by = f"interval '{seconds} seconds'"
    with psycopg.connect(settings.database_url) as connection:
        for table, column, whose in [
            ("auth.refresh_tokens", "rotated_at", "session_id in (select id from auth.sessions where user_id = %s)"),
            ("auth.sessions", "expires_at", "user_id = %s"),
            ("auth.tokens", "expires_at", "user_id = %s"),
        ]:
            sql = f"update {table} set {column} = {column} - {by} where {whose}"  # noqa: S608 - our own text
            connection.execute(sql.encode(), (user.id,))


def with_new_key(settings: Settings) -> Settings:
    """The settings after a rotation."""
    return msgspec.structs.replace(settings, jwt_key="n" * 32, jwt_previous_key=settings.jwt_key)


async def a_rotated_key_ends_no_session(ann: ApiUser, rotated: httpx.AsyncClient) -> None:
    """Tokens of the old key are accepted until they expire, and a refresh whose answer was lost is repeated."""
    following = (await refresh(ann.client, ann.refresh_token)).json()["refresh_token"]
    elsewhere = ann.with_token(ann.token, client=rotated)
    assert (await elsewhere.request("GET", "/auth/me")).status_code == 200
    again = await refresh(rotated, ann.refresh_token)
    assert (again.status_code, again.json().get("refresh_token")) == (200, following)
    new = ann.with_token(again.json()["access_token"], client=rotated)
    assert (await new.request("GET", "/auth/me")).status_code == 200
    assert (await refresh(rotated, following)).status_code == 200
