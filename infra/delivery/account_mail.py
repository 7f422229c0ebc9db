"""Mail about an account: password resets and verifications of the address, each with a token.

What a stranger can ask for is sent in the background: neither the answer nor its time tells whether there is an
account.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any, Final
from uuid import UUID

from domain.errors import Refusal
from domain.user import User
from infra.cancel import cancel_all
from infra.delivery import token_mail
from infra.delivery.mailer import Mailer
from infra.identity.email_addresses import EmailAddresses
from infra.identity.mail_tokens import LIFETIMES, MailTokens
from infra.log.event_log import EventLog
from infra.logs import logger

MAX_PENDING_REQUESTS: Final = 200
"""Requests in the background at once; any further one is dropped, and logged."""
CLOSE_TIMEOUT_S: Final = 2.0
"""How long pending requests may continue at shutdown."""


class AccountMail:
    """Sends mail to users about their own accounts, only to the address in the log, whatever was asked for."""

    _log: EventLog  # declared for the OpenAPI document, which follows the types of attributes
    _addresses: EmailAddresses
    _tokens: MailTokens
    _mailer: Mailer

    def __init__(self, log: EventLog, addresses: EmailAddresses, tokens: MailTokens, mailer: Mailer) -> None:
        self._log = log
        self._addresses = addresses
        self._tokens = tokens
        self._mailer = mailer
        self._pending: set[asyncio.Task[None]] = set()

    def request_password_reset(self, email: str) -> None:
        """Mail a reset token in the background, if a user has this address and has verified it.

        One who has not gets the verification instead: before it, an address may be a stranger's.
        """
        self._start(self._mail_password_reset(email))

    def request_verification(self, user: UUID) -> None:
        """Mail a verification token in the background, if there is a mail server."""
        if self._mailer.is_set_up:
            self._start(self.mail_verification(user))

    async def mail_verification(self, user: UUID) -> None:
        """Mail a verification token to a user whose address is not verified.

        Raises MailIsNotSetUp, MailUnavailable or AddressRefused.
        """
        self._mailer.require_server()
        state = await self._log.load_state(User, user)
        if state and not state.email_verified:
            await self._mailer.check_recipient(state.email)
            token = await self._tokens.create(user, "verification")
            await self._mailer.send(state.email, token_mail.verification_mail(token, LIFETIMES["verification"]))

    async def mail_email_change(self, user: UUID, email: str) -> None:
        """Mail a confirmation token to the address that a user wants to have.

        Raises MailIsNotSetUp, MailUnavailable or AddressRefused.
        """
        self._mailer.require_server()
        await self._mailer.check_recipient(email)
        token = await self._tokens.create(user, "email_change", email)
        await self._mailer.send(email, token_mail.email_change_mail(token, LIFETIMES["email_change"]))

    async def close(self) -> None:
        """Let pending requests finish, then cancel the rest."""
        if self._pending:
            await asyncio.wait(self._pending, timeout=CLOSE_TIMEOUT_S)
        await cancel_all(*self._pending)

    async def _mail_password_reset(self, email: str) -> None:
        self._mailer.require_delivery()
        owner = await self._addresses.find_user(email)
        state = await self._log.load_state(User, owner) if owner else None
        if owner and state and self._mailer.is_set_up and not state.email_verified:
            await self.mail_verification(owner)
        elif owner and state:
            await self._mailer.check_recipient(state.email)
            token = await self._tokens.create(owner, "password_reset")
            await self._mailer.send(state.email, token_mail.password_reset_mail(token, LIFETIMES["password_reset"]))

    def _start(self, request: Coroutine[Any, Any, None]) -> None:
        if len(self._pending) >= MAX_PENDING_REQUESTS:
            request.close()
            logger.warning("a mail about an account was not sent: too many are pending")
            return
        task = asyncio.create_task(_log_failure(request))
        self._pending.add(task)
        task.add_done_callback(self._pending.discard)


async def _log_failure(request: Coroutine[Any, Any, None]) -> None:
    """Log a failure without its address: other errors may quote it, so only their types are logged."""
    try:
        await request
    except Refusal as refusal:
        logger.warning("a mail about an account was not sent: {}", refusal)
    except Exception as error:  # noqa: BLE001 - nothing else handles it
        logger.error("a mail about an account was not sent: {}", type(error).__name__)
