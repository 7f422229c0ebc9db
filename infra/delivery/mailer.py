"""Mail: a message to one person, sent through the operator's server; in development without one, printed."""

import asyncio
import contextlib
import smtplib
import ssl
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from email import policy
from email.errors import MessageError
from email.headerregistry import AddressHeader
from email.message import EmailMessage
from http import HTTPStatus
from typing import Final
from urllib.parse import unquote, urlsplit

from domain.errors import AddressRefused, MailIsNotSetUp, MailUnavailable
from infra.delivery import token_mail
from infra.delivery.token_mail import TokenMail
from infra.logs import logger
from infra.settings import Settings

SEND_TIMEOUT_S: Final = 10.0
"""For one message that no request waits for, from the call of `send` until the server has accepted it."""
MAX_CONNECTIONS, MAX_PENDING_MESSAGES = 4, 24
"""Concurrent connections to the server, and messages that are being sent or waiting to be."""
_QUIT_TIMEOUT_S = 1.0
_DEFAULT_PORTS: Final = {"smtp": 587, "smtps": 465}


class Mailer:
    """Sends each message over its own connection, in a separate thread pool: a silent server blocks no other work."""

    def __init__(self, settings: Settings) -> None:
        self._url = urlsplit(settings.mail_url)
        self._sender = settings.mail_from
        self._may_print_tokens = settings.environment != "production"
        self._threads = ThreadPoolExecutor(MAX_CONNECTIONS, "mail")
        self._pending_count = 0

    @property
    def is_set_up(self) -> bool:
        """Whether there is a mail server."""
        return bool(self._url.scheme)

    def require_server(self) -> None:
        """Raise MailIsNotSetUp if there is no mail server."""
        if not self.is_set_up:
            raise MailIsNotSetUp

    def require_delivery(self) -> None:
        """Raise MailIsNotSetUp if a message can neither be sent nor printed."""
        if not self._may_print_tokens:
            self.require_server()

    async def check_recipient(self, to: str, deadline: float | None = None) -> None:
        """Raise MailIsNotSetUp, MailUnavailable or AddressRefused if a message to this address could not be sent.

        The deadline is a time of the monotonic clock; without one, there are `SEND_TIMEOUT_S`.
        """
        self.require_delivery()
        if self._pending_count >= MAX_PENDING_MESSAGES:
            raise MailUnavailable
        self._build_message(to, "", "")
        if self.is_set_up and not to.isascii():
            await self._run_until(deadline, lambda server: _check_address_supported(server, to))

    async def send(self, to: str, mail: TokenMail, deadline: float | None = None) -> None:
        """Send a mail to the server; in development without a server, print its token.

        Raises MailIsNotSetUp, MailUnavailable if the server does not accept it by the deadline, AddressRefused if it
        rejects the address permanently.
        """
        self.require_delivery()
        message = self._build_message(to, mail.subject, mail.text)
        if not self.is_set_up:
            token_mail.print_token(mail)
            return

        def deliver(server: smtplib.SMTP) -> None:
            _check_address_supported(server, to)
            server.send_message(message, self._sender, [to])

        await self._run_until(deadline, deliver)

    def check_connection(self) -> None:
        """Connect and log in without sending anything; raises OSError or SMTPException."""
        with self._connect(time.monotonic() + SEND_TIMEOUT_S):
            pass

    def close(self) -> None:
        """Cancel pending messages, and do not wait for those being sent."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _run_until(self, deadline: float | None, action: Callable[[smtplib.SMTP], None]) -> None:
        """Run `action` on a connection once a thread is free, all until the deadline."""
        if self._pending_count >= MAX_PENDING_MESSAGES:
            raise MailUnavailable
        self._pending_count += 1
        try:
            deadline = deadline or time.monotonic() + SEND_TIMEOUT_S
            running = asyncio.get_running_loop().run_in_executor(self._threads, self._run_connected, action, deadline)
            await asyncio.wait_for(running, _remaining_s(deadline))
        except (OSError, smtplib.SMTPException) as error:  # a timeout is an OSError
            logger.warning(
                "the mail server did not accept a message: {}", type(error).__name__
            )  # its text may contain the address
            raise (AddressRefused() if _is_permanent_failure(error) else MailUnavailable()) from error
        finally:
            self._pending_count -= 1

    def _run_connected(self, action: Callable[[smtplib.SMTP], None], deadline: float) -> None:
        with self._connect(deadline) as server:
            action(server)

    @contextlib.contextmanager
    def _connect(self, deadline: float) -> Iterator[smtplib.SMTP]:
        """A logged-in connection: `smtps` starts with TLS, `smtp` uses STARTTLS if offered; a password requires TLS."""
        server = self._open_connection(ssl.create_default_context(), deadline)
        try:
            if self._url.username:
                _set_timeout(server, deadline)
                server.login(unquote(self._url.username), unquote(self._url.password or ""))
            _set_timeout(server, deadline)
            yield server
            with contextlib.suppress(OSError, smtplib.SMTPException):
                _set_timeout(server, time.monotonic() + _QUIT_TIMEOUT_S)
                server.quit()
        finally:
            server.close()

    def _open_connection(self, context: ssl.SSLContext, deadline: float) -> smtplib.SMTP:
        host, port = self._url.hostname or "", self._url.port or _DEFAULT_PORTS[self._url.scheme]
        if self._url.scheme == "smtps":
            return smtplib.SMTP_SSL(host, port, timeout=_remaining_s(deadline), context=context)
        server = smtplib.SMTP(host, port, timeout=_remaining_s(deadline))
        try:
            _set_timeout(server, deadline)
            server.ehlo()
            if server.has_extn("starttls") or self._url.username:
                _set_timeout(server, deadline)
                server.starttls(context=context)
        except BaseException:
            server.close()
            raise
        return server

    def _build_message(self, to: str, subject: str, text: str) -> EmailMessage:
        """Raises AddressRefused for an address that a mail header would parse as another address, or as several."""
        message = EmailMessage(policy.SMTP)
        try:
            message["From"], message["To"], message["Subject"] = self._sender, to, _escape_encoded_words(subject)
            message.set_content(text)
            message.as_bytes()
            header = message["To"]
        except (MessageError, ValueError, LookupError, IndexError, AttributeError) as error:
            raise AddressRefused from error
        if not isinstance(header, AddressHeader) or [one.addr_spec for one in header.addresses] != [to]:
            raise AddressRefused
        return message


def _check_address_supported(server: smtplib.SMTP, to: str) -> None:
    """Raise AddressRefused if the address needs SMTPUTF8 and the server does not support it."""
    server.ehlo_or_helo_if_needed()
    if not to.isascii() and not server.has_extn("smtputf8"):
        raise AddressRefused("The mail server accepts only addresses of ASCII letters.")


def _is_permanent_failure(error: Exception) -> bool:
    """Whether the server rejected the recipient permanently."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return all(code >= HTTPStatus.INTERNAL_SERVER_ERROR for code, _ in error.recipients.values())
    return False


def _escape_encoded_words(subject: str) -> str:
    """Break up `=?`, which starts an encoded word of RFC 2047: it would be decoded, even to line ends."""
    return subject.replace("=?", "= ?")


def _set_timeout(server: smtplib.SMTP, deadline: float) -> None:
    """Give the next step the time that is left."""
    if server.sock:
        server.sock.settimeout(_remaining_s(deadline))


def _remaining_s(deadline: float) -> float:
    """Seconds until the deadline; raises TimeoutError if it has passed."""
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left
