"""Planted defects of resets and verifications: each breaks one guarantee, and its check must turn red."""

import asyncio
from functools import partial
from uuid import UUID, uuid4

import pytest

from api.endpoints import invitation
from domain.errors import TooManyMails
from infra.identity import mail_tokens, sessions
from infra.identity.email_addresses import address_id
from infra.identity.sessions import Sessions
from infra.rate_limits.attempts import AttemptLimits
from infra.settings import Settings
from tests.api import mail_guarantees
from tests.api.in_process_app import app_client
from tests.api_user import ApiUser
from tests.fake_smtp_server import FakeSmtpServer
from tests.planted_defects import assert_async_check_fails

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def register_guest(host: ApiUser) -> ApiUser:
    return await ApiUser.register_with_project(host.client, host.fold, "Guest")


def unknown_email() -> str:
    return f"eve-{uuid4().hex}@example.com"


async def test_an_answer_that_waits_for_the_mail_is_noticed(
    inviter: ApiUser, smtp_server: FakeSmtpServer, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def sending(limits: AttemptLimits, account: UUID, address: str) -> None:
        del limits, address
        if account == address_id(settings.address_key, inviter.email):
            await smtp_server.responsive.wait()

    monkeypatch.setattr(mail_guarantees, "ANSWER_TIMEOUT_S", 0.5)
    monkeypatch.setattr(AttemptLimits, "charge_mail", sending)
    check = partial(mail_guarantees.forgot_answers_alike, inviter, unknown_email(), smtp_server)
    await assert_async_check_fails(check)


async def test_an_answer_that_reveals_an_unknown_address_is_noticed(
    inviter: ApiUser, smtp_server: FakeSmtpServer, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def revealing(limits: AttemptLimits, account: UUID, address: str) -> None:
        del limits, address
        if account != address_id(settings.address_key, inviter.email):
            raise TooManyMails(policy="account_mail", quota=1, window=1, retry_after=1)

    monkeypatch.setattr(AttemptLimits, "charge_mail", revealing)
    check = partial(mail_guarantees.forgot_answers_alike, inviter, unknown_email(), smtp_server)
    await assert_async_check_fails(check)


async def test_a_token_that_is_not_consumed_is_noticed(
    inviter: ApiUser, smtp_server: FakeSmtpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mail_tokens, "_CONSUME_SQL", mail_tokens._FIND_SQL)  # noqa: SLF001 - the defect is there
    guest = await register_guest(inviter)
    await assert_async_check_fails(partial(mail_guarantees.a_token_works_once_for_its_purpose, guest, smtp_server))


async def test_a_token_for_another_purpose_is_noticed(
    inviter: ApiUser, smtp_server: FakeSmtpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("_FIND_SQL", "_CONSUME_SQL"):
        sql = getattr(mail_tokens, name).replace("purpose = %s", "%s::text is not null")
        monkeypatch.setattr(mail_tokens, name, sql)
    guest = await register_guest(inviter)
    await assert_async_check_fails(partial(mail_guarantees.a_token_works_once_for_its_purpose, guest, smtp_server))


async def test_a_token_that_never_expires_is_noticed(
    inviter: ApiUser, smtp_server: FakeSmtpServer, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("_FIND_SQL", "_CONSUME_SQL"):
        monkeypatch.setattr(mail_tokens, name, getattr(mail_tokens, name).replace("expires_at > now()", "true"))
    guest = await register_guest(inviter)
    await assert_async_check_fails(partial(mail_guarantees.an_expired_token_is_refused, guest, smtp_server, settings))


async def test_a_reset_that_reads_its_token_before_it_locks_is_noticed(
    inviter: ApiUser, smtp_server: FakeSmtpServer, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two have found the token before either uses it up."""
    found, both, consume = list[object](), asyncio.Event(), mail_tokens.consume

    async def together(connection: object, *rest: object) -> object:
        token = await consume(connection, *rest)  # type: ignore[arg-type]
        found.append(token)
        if len(found) > 1:
            both.set()
        await asyncio.wait_for(both.wait(), 10)
        return token

    monkeypatch.setattr(mail_tokens, "_CONSUME_SQL", mail_tokens._FIND_SQL)  # noqa: SLF001 - the defect is there
    monkeypatch.setattr(sessions, "_LOCK_ANY_CREDENTIALS_SQL", "select %s::uuid")
    monkeypatch.setattr(mail_tokens, "consume", together)
    async with app_client(settings) as other:
        clients = [inviter.client, other]
        check = partial(mail_guarantees.one_of_several_resets_wins, inviter, smtp_server, clients, settings)
        await assert_async_check_fails(check)


async def test_a_reset_that_ends_no_session_is_noticed(
    inviter: ApiUser, smtp_server: FakeSmtpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def none(*_: object) -> list[UUID]:
        return []

    monkeypatch.setattr(Sessions, "_revoke", none)
    await assert_async_check_fails(partial(mail_guarantees.a_reset_ends_every_session, inviter, smtp_server))


async def test_an_invitation_that_matches_any_account_is_noticed(
    inviter: ApiUser, smtp_server: FakeSmtpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(invitation, "_require_verified", lambda *_: None)
    check = mail_guarantees.an_unverified_user_is_not_matched_by_an_invitation
    await assert_async_check_fails(partial(check, inviter, await register_guest(inviter), smtp_server))
