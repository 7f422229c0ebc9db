"""E-mail verification over HTTP: an address is verified by a token that was mailed to it."""

from collections.abc import Callable
from uuid import uuid4

import httpx
import psycopg
import pytest

from infra.rate_limits.limit import ACCOUNT_MAIL_LIMIT
from infra.settings import Settings
from tests.api import mail_guarantees
from tests.api.identity_guarantees import registration_body
from tests.api.mail_guarantees import assert_refused, verify
from tests.api.problems import assert_problem
from tests.api.verified_users import VERIFICATION_PREFIX
from tests.api_user import PASSWORD, ApiUser
from tests.fake_smtp_server import FakeSmtpServer

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def register_guest(host: ApiUser) -> ApiUser:
    """A user whose address is not verified."""
    return await ApiUser.register_with_project(host.client, host.fold, "Guest")


async def is_verified(user: ApiUser) -> bool:
    return bool((await user.get("/auth/me"))["email_verified"])


def verification_count(settings: Settings, user_id: str) -> int:
    with psycopg.connect(settings.database_url) as connection:
        sql = "select 1 from log.event_log where stream = %s and type = 'EmailVerified'"
        return connection.execute(sql, (user_id,)).rowcount


async def test_a_new_user_verifies_the_address_by_mail(
    inviter: ApiUser, smtp_server: FakeSmtpServer, settings: Settings
) -> None:
    guest = await register_guest(inviter)
    token = await smtp_server.wait_for_token(VERIFICATION_PREFIX, guest.email)
    assert smtp_server.recipients == [guest.email]
    assert await is_verified(guest) is False
    answer = await verify(guest.client, token)
    assert (answer.status_code, answer.content) == (204, b"")
    assert await is_verified(guest) is True
    assert verification_count(settings, guest.id) == 1


async def test_no_words_of_the_user_are_mailed_to_an_unverified_address(
    inviter: ApiUser, smtp_server: FakeSmtpServer
) -> None:
    """Else a stranger could send messages to any address."""
    guest = await register_guest(inviter)
    await smtp_server.wait_for_token(VERIFICATION_PREFIX, guest.email)
    assert (await mail_guarantees.forgot(guest.client, guest.email)).status_code == 202
    await smtp_server.wait_for_token(VERIFICATION_PREFIX, guest.email, 2)
    assert len(smtp_server.messages) == 2
    assert not any("Guest" in message.as_string() for message in smtp_server.messages)


async def test_without_a_mail_server_nothing_is_verified_or_printed(
    client: httpx.AsyncClient, fold: Callable[[], None], capsys: pytest.CaptureFixture[str]
) -> None:
    ann = await ApiUser.register_with_project(client, fold, "Ann")
    assert await is_verified(ann) is False
    assert_problem(await ann.request("POST", "/auth/verification"), 422, "mail_is_not_set_up")
    assert VERIFICATION_PREFIX not in capsys.readouterr().out


async def test_a_token_is_mailed_again_and_voids_the_one_before(inviter: ApiUser, smtp_server: FakeSmtpServer) -> None:
    guest = await register_guest(inviter)
    first = await smtp_server.wait_for_token(VERIFICATION_PREFIX, guest.email)
    assert (await guest.request("POST", "/auth/verification")).status_code == 202
    second = await smtp_server.wait_for_token(VERIFICATION_PREFIX, guest.email, 2)
    assert_refused(await verify(guest.client, first))
    assert (await verify(guest.client, second)).status_code == 204
    assert (await guest.request("POST", "/auth/verification")).status_code == 202
    assert len(smtp_server.messages) == 2, "a verified address gets no further mail"


async def test_mails_that_are_asked_for_again_are_limited(inviter: ApiUser, smtp_server: FakeSmtpServer) -> None:
    guest = await register_guest(inviter)
    await smtp_server.wait_for_token(VERIFICATION_PREFIX, guest.email)
    for _ in range(ACCOUNT_MAIL_LIMIT.quota):
        assert (await guest.request("POST", "/auth/verification")).status_code == 202
    assert_problem(await guest.request("POST", "/auth/verification"), 429, "too_many_mails")
    assert len(smtp_server.messages) == 1 + ACCOUNT_MAIL_LIMIT.quota


async def test_a_mail_server_that_refuses_prevents_no_registration(
    inviter: ApiUser, smtp_server: FakeSmtpServer
) -> None:
    smtp_server.replies[b"MAIL"] = b"451 not now"
    guest = await register_guest(inviter)
    assert_problem(await guest.request("POST", "/auth/verification"), 503, "mail_unavailable")
    del smtp_server.replies[b"MAIL"]
    assert (await guest.request("POST", "/auth/verification")).status_code == 202
    token = await smtp_server.wait_for_token(VERIFICATION_PREFIX, guest.email)
    assert (await verify(guest.client, token)).status_code == 204


async def test_an_agent_asks_for_no_mail(inviter: ApiUser) -> None:
    agent = await inviter.with_personal_token("admin", kind="agent")
    assert_problem(await agent.request("POST", "/auth/verification"), 403, "forbidden")


async def test_an_unverified_user_is_not_matched_by_an_invitation(
    inviter: ApiUser, smtp_server: FakeSmtpServer
) -> None:
    guest = await register_guest(inviter)
    await mail_guarantees.an_unverified_user_is_not_matched_by_an_invitation(inviter, guest, smtp_server)


async def test_registering_with_a_mailed_invitation_verifies_the_address(
    inviter: ApiUser, smtp_server: FakeSmtpServer, settings: Settings
) -> None:
    email = f"eve-{uuid4().hex}@example.com"
    await inviter.post(f"/workspaces/{inviter.workspace}/invitations", email=email)
    answer = await inviter.client.post("/auth/register", json=registration_body(email, smtp_server.invitation_token()))
    assert answer.status_code == 201, answer.text
    assert verification_count(settings, answer.json()["id"]) == 1
    assert len(smtp_server.messages) == 1


async def test_registering_with_a_printed_invitation_verifies_nothing(
    ann: ApiUser, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    email = f"eve-{uuid4().hex}@example.com"
    await ann.post(f"/workspaces/{ann.workspace}/invitations", email=email)
    token = capsys.readouterr().out.split()[-1]
    answer = await ann.client.post("/auth/register", json=registration_body(email, token))
    assert answer.status_code == 201, answer.text
    assert verification_count(settings, answer.json()["id"]) == 0
    assert (await ann.client.post("/auth/login", json={"email": email, "password": PASSWORD})).status_code == 200
