"""Mail: a message to one person, through the operator's server; where there is none in development, to the terminal."""

import asyncio
import smtplib
import ssl
from email.message import EmailMessage
from typing import Final
from urllib.parse import unquote, urlsplit

from domain.errors import MailIsNotSetUp, MailUnavailable
from infra.logs import logger
from infra.settings import Settings

PATIENCE_S: Final = 10.0
_PORTS: Final = {"smtp": 587, "smtps": 465}


class Mail:
    """Sends messages, each over a connection of its own; a thread does it, so that nobody else waits."""

    def __init__(self, settings: Settings) -> None:
        self._url = urlsplit(settings.mail_url)
        self._sender = settings.mail_from
        self._may_print = settings.environment != "production"

    def check(self) -> None:
        """Raise MailIsNotSetUp where a message would get nowhere."""
        if not self._url.scheme and not self._may_print:
            raise MailIsNotSetUp

    async def send(self, to: str, subject: str, text: str) -> None:
        """Hand a message to the server; raises MailUnavailable where it does not take it within `PATIENCE_S`."""
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = self._sender, to, subject
        message.set_content(text)
        if not self._url.scheme:
            logger.info("no mail server is set (TASKLEDGER_MAIL_URL): to {}: {}\n{}", to, subject, text)
            return
        try:
            await asyncio.to_thread(self._deliver, message)
        except (OSError, smtplib.SMTPException) as error:
            logger.warning("mail was not taken: {}", type(error).__name__)  # its text may name the person
            raise MailUnavailable from error

    def knock(self) -> None:
        """Connect and log in, and send nothing; raises OSError or SMTPException."""
        with self._connected() as server:
            self._log_in(server)

    def _deliver(self, message: EmailMessage) -> None:
        with self._connected() as server:
            self._log_in(server)
            server.send_message(message)

    def _log_in(self, server: smtplib.SMTP) -> None:
        if self._url.username:
            server.login(unquote(self._url.username), unquote(self._url.password or ""))

    def _connected(self) -> smtplib.SMTP:
        """Encrypted from the start for `smtps`, by STARTTLS where the server offers it, always before a password."""
        host, port = self._url.hostname or "", self._url.port or _PORTS[self._url.scheme]
        context = ssl.create_default_context()
        if self._url.scheme == "smtps":
            return smtplib.SMTP_SSL(host, port, timeout=PATIENCE_S, context=context)
        server = smtplib.SMTP(host, port, timeout=PATIENCE_S)
        server.ehlo()
        if server.has_extn("starttls") or self._url.username:
            server.starttls(context=context)
            server.ehlo()
        return server
