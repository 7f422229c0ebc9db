"""A fake mail server: it accepts and keeps every message, and speaks as much SMTP as `smtplib` needs."""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator
from email import message_from_bytes, policy
from email.message import EmailMessage

ARRIVAL_TIMEOUT_S = 20.0


class FakeSmtpServer:
    """Keeps messages and recipients in order. `replies` overrides replies by verb; it is silent unless `responsive`."""

    def __init__(self) -> None:
        self.messages: list[EmailMessage] = []
        self.recipients: list[str] = []
        self.replies: dict[bytes, bytes] = {}
        self.responsive = asyncio.Event()
        self.responsive.set()
        self.connection_count, self.connected = 0, asyncio.Semaphore(0)
        self.url = ""
        self._arrival = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection until the client disconnects."""
        self.connection_count += 1
        self.connected.release()
        await self.responsive.wait()
        writer.write(b"220 here\r\n")
        with contextlib.suppress(ConnectionError):
            while line := (await reader.readline()).strip():
                verb = line[:4].upper()
                if verb == b"RCPT":
                    self.recipients.append(line.decode().partition("<")[2].partition(">")[0])
                if verb == b"DATA":
                    writer.write(b"354 go on\r\n")
                    text = await reader.readuntil(b"\r\n.\r\n")
                    self._keep(message_from_bytes(text[:-3], policy=policy.default))
                reply = b"221 bye" if verb == b"QUIT" else b"250 yes"
                writer.write(self.replies.get(verb, reply) + b"\r\n")
        writer.close()

    @property
    def invitations(self) -> list[str]:
        """The invitation tokens of all messages, in order."""
        return [token for message in self.messages for token in tokens_in(message, "tli_")]

    def invitation_token(self, number: int = -1) -> str:
        """One of the invitation tokens, by default the last."""
        return self.invitations[number]

    def tokens(self, prefix: str, to: str) -> list[str]:
        """The tokens with this prefix that were mailed to this address, in order."""
        return [token for message in self.messages if message["To"] == to for token in tokens_in(message, prefix)]

    async def wait_for_token(self, prefix: str, to: str, count: int = 1) -> str:
        """The last of `count` tokens with this prefix that are mailed to this address."""
        async with asyncio.timeout(ARRIVAL_TIMEOUT_S):
            while len(found := self.tokens(prefix, to)) < count:
                await self._arrival.wait()
        return found[-1]

    async def forget(self, to: str) -> None:
        """Forget the only message to this address."""
        self.messages = [message for message in self.messages if message["To"] != to]
        self.recipients.remove(to)
        self.connection_count -= 1
        await self.connected.acquire()

    def _keep(self, message: EmailMessage) -> None:
        self.messages.append(message)
        self._arrival.set()
        self._arrival = asyncio.Event()


def tokens_in(message: EmailMessage, prefix: str) -> list[str]:
    """The tokens with this prefix in a message."""
    return re.findall(rf"{prefix}[\w-]{{43}}", message.get_content())


@contextlib.asynccontextmanager
async def fake_smtp_server() -> AsyncIterator[FakeSmtpServer]:
    """A running server on the loopback interface."""
    box = FakeSmtpServer()
    server = await asyncio.start_server(box.serve, "127.0.0.1", 0)
    box.url = f"smtp://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        yield box
        box.responsive.set()
