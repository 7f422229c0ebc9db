"""A fake mail server: it accepts and keeps every message, and speaks as much SMTP as `smtplib` needs."""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator
from email import message_from_bytes, policy
from email.message import EmailMessage


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
                    self.messages.append(message_from_bytes(text[:-3], policy=policy.default))
                reply = b"221 bye" if verb == b"QUIT" else b"250 yes"
                writer.write(self.replies.get(verb, reply) + b"\r\n")
        writer.close()

    def invitation_token(self, message: int = -1) -> str:
        """The invitation token in a message, by default the last."""
        found = re.search(r"tli_[\w-]{43}", self.messages[message].get_content())
        assert found
        return found[0]


@contextlib.asynccontextmanager
async def fake_smtp_server() -> AsyncIterator[FakeSmtpServer]:
    """A running server on the loopback interface."""
    box = FakeSmtpServer()
    server = await asyncio.start_server(box.serve, "127.0.0.1", 0)
    box.url = f"smtp://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        yield box
        box.responsive.set()
