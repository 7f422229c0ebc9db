"""A mail server of the tests' own: takes every message over SMTP, as far as `smtplib` speaks it, and keeps it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from email import message_from_bytes, policy
from email.message import EmailMessage


class Mailbox:
    """What came, in order; a server that `refuses` takes nothing."""

    def __init__(self) -> None:
        self.messages: list[EmailMessage] = []
        self.refuses = False
        self.url = ""

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, until it says QUIT or goes."""
        writer.write(b"220 here\r\n")
        while line := (await reader.readline()).strip().upper():
            if line.startswith(b"DATA"):
                writer.write(b"354 go on\r\n")
                text = await reader.readuntil(b"\r\n.\r\n")
                self.messages.append(message_from_bytes(text[:-3], policy=policy.default))
            is_no = self.refuses and line.startswith(b"MAIL")
            writer.write(b"451 not now\r\n" if is_no else b"221 bye\r\n" if line == b"QUIT" else b"250 yes\r\n")
        writer.close()


@contextlib.asynccontextmanager
async def mailbox() -> AsyncIterator[Mailbox]:
    """An open one, on loopback."""
    box = Mailbox()
    server = await asyncio.start_server(box.talk, "127.0.0.1", 0)
    box.url = f"smtp://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        yield box
