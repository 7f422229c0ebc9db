"""Guarantees of resets and verifications by mail: each a check that fails if it is broken."""

import asyncio
from collections import Counter
from collections.abc import Sequence

import httpx
import psycopg

from infra.settings import Settings
from tests.api.identity_guarantees import refresh
from tests.api.problems import assert_problem
from tests.api.verified_users import RESET_PREFIX, VERIFICATION_PREFIX
from tests.api_user import PASSWORD, ApiUser
from tests.fake_smtp_server import FakeSmtpServer

ANSWER_TIMEOUT_S = 2.0
"""Less than a mail server that does not respond takes to be given up."""
NEW_PASSWORD = "another horse"


async def forgot(client: httpx.AsyncClient, email: str) -> httpx.Response:
    return await client.post("/auth/password/forgot", json={"email": email})


async def reset(client: httpx.AsyncClient, token: str, password: str = NEW_PASSWORD) -> httpx.Response:
    return await client.post("/auth/password/reset", json={"token": token, "password": password})


async def mailed_reset_token(user: ApiUser, box: FakeSmtpServer, count: int = 1) -> str:
    assert (await forgot(user.client, user.email)).status_code == 202
    return await box.wait_for_token(RESET_PREFIX, user.email, count)


async def forgot_answers_alike(user: ApiUser, unknown: str, box: FakeSmtpServer) -> None:
    """Whether a user has the address or not, and at once, though the mail server is silent."""
    box.responsive.clear()
    asked = [asyncio.create_task(forgot(user.client, email)) for email in (user.email, unknown)]
    try:
        _, late = await asyncio.wait(asked, timeout=ANSWER_TIMEOUT_S)
        assert not late
        await box.connected.acquire()  # the mail to the user is on its way
    finally:
        box.responsive.set()
        known, other = await asyncio.gather(*asked)
    assert (known.status_code, known.content) == (other.status_code, other.content)
    assert known.status_code == 202
    assert known.headers.keys() == other.headers.keys()
    await box.wait_for_token(RESET_PREFIX, user.email)
    assert box.recipients == [user.email]


async def a_reset_ends_every_session(user: ApiUser, box: FakeSmtpServer) -> None:
    """Only the new password works; personal tokens stay, as after a change."""
    elsewhere, program = await user.log_in_again(), await user.with_personal_token("read")
    answer = await reset(user.client, await mailed_reset_token(user, box))
    assert (answer.status_code, answer.content) == (204, b"")
    for one in (user, elsewhere):
        assert_problem(await one.request("GET", "/auth/me"), 401, "unauthorized")
        assert_problem(await refresh(one.client, one.refresh_token), 401, "invalid_refresh_token")
    login = {"email": user.email, "password": PASSWORD}
    assert_problem(await user.client.post("/auth/login", json=login), 401, "wrong_credentials")
    assert (await (await user.log_in_again(password=NEW_PASSWORD)).request("GET", "/auth/me")).status_code == 200
    assert (await program.request("GET", "/auth/me")).status_code == 200


async def one_of_several_resets_wins(
    user: ApiUser, box: FakeSmtpServer, clients: Sequence[httpx.AsyncClient], settings: Settings
) -> None:
    """With one token, at once and through several processes: one sets its password, and the log has one change."""
    token, passwords = await mailed_reset_token(user, box), [f"another horse {number}" for number in range(6)]
    chosen = [clients[number % len(clients)] for number in range(len(passwords))]
    answers = await asyncio.gather(
        *(reset(client, token, password) for client, password in zip(chosen, passwords, strict=True))
    )
    assert Counter(answer.status_code for answer in answers) == {204: 1, 422: len(passwords) - 1}
    for answer, password in zip(answers, passwords, strict=True):
        login = await user.client.post("/auth/login", json={"email": user.email, "password": password})
        assert (answer.status_code, login.status_code) in {(204, 200), (422, 401)}
    with psycopg.connect(settings.database_url) as connection:
        rows = connection.execute(
            """select data -> 'password_id' ->> 1 = password_id::text from log.event_log
               join auth.credentials on user_id = stream where stream = %s and type = 'PasswordChanged'""",
            (user.id,),
        ).fetchall()
    assert rows == [(True,)]


async def a_token_works_once_for_its_purpose(user: ApiUser, box: FakeSmtpServer) -> None:
    """A reset token verifies nothing by itself, a verification token resets nothing, and neither works twice."""
    verification = await box.wait_for_token(VERIFICATION_PREFIX, user.email)
    assert_refused(await reset(user.client, verification))
    assert (await verify(user.client, verification)).status_code == 204
    assert_refused(await verify(user.client, verification))
    token = await mailed_reset_token(user, box)
    assert_refused(await verify(user.client, token))
    assert (await reset(user.client, token)).status_code == 204
    assert_refused(await reset(user.client, token))


async def an_expired_token_is_refused(user: ApiUser, box: FakeSmtpServer, settings: Settings) -> None:
    verification = await box.wait_for_token(VERIFICATION_PREFIX, user.email)
    expire_tokens(user, settings)
    assert_refused(await verify(user.client, verification))
    assert (await user.get("/auth/me"))["email_verified"] is False
    assert (await user.request("POST", "/auth/verification")).status_code == 202
    assert (await verify(user.client, await box.wait_for_token(VERIFICATION_PREFIX, user.email, 2))).status_code == 204
    token = await mailed_reset_token(user, box)
    expire_tokens(user, settings)
    assert_refused(await reset(user.client, token))


def expire_tokens(user: ApiUser, settings: Settings) -> None:
    with psycopg.connect(settings.database_url) as connection:
        sql = "update auth.mail_tokens set expires_at = now() - interval '1 second' where user_id = %s"
        assert connection.execute(sql, (user.id,)).rowcount == 1


async def an_unverified_user_is_not_matched_by_an_invitation(
    host: ApiUser, guest: ApiUser, box: FakeSmtpServer
) -> None:
    """Until the address is verified; everything else works."""
    invited = await host.post(f"/workspaces/{host.workspace}/invitations", email=guest.email)
    body = {"token": box.invitation_token()}
    assert_problem(await guest.request("POST", "/invitations/accept", json=body), 403, "email_not_verified")
    await guest.create_task()
    verification = await box.wait_for_token(VERIFICATION_PREFIX, guest.email)
    assert (await verify(guest.client, verification)).status_code == 204
    accepted = await guest.request("POST", "/invitations/accept", json=body)
    assert (accepted.status_code, accepted.json().get("id")) == (200, invited["id"])


async def verify(client: httpx.AsyncClient, token: str) -> httpx.Response:
    return await client.post("/auth/verify", json={"token": token})


def assert_refused(answer: httpx.Response) -> None:
    """Assert the one refusal of every token that is not valid, whatever the reason."""
    problem = assert_problem(answer, 422, "invalid_mail_token")
    assert problem.keys() == {"type", "title", "status", "instance", "code", "trace_id", "detail"}
    assert problem["detail"] == problem["title"]
