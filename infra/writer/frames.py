"""Frames on the socket of the writer: a length, then a MessagePack message."""

import asyncio
from collections.abc import Sequence
from functools import cache
from importlib.metadata import version
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Raw, Struct

from commands.command import Command, all_commands
from commands.handling.command_on import CommandOn
from commands.handling.idempotency import IdempotencyKey
from commands.handling.outcome import Committed
from commands.handling.request import CommandRequest
from domain.event import Actor, Trace
from domain.user import TokenScope

LENGTH_BYTES = 4
_encoder = msgspec.msgpack.Encoder(uuid_format="bytes")


class RelayedRequest(Struct, frozen=True, array_like=True):
    """A command request on its way to the writer; each command is named by its class."""

    number: int
    commands: Sequence[tuple[UUID, str, Raw]]
    actor: Actor
    command_id: UUID
    idempotency_keys: tuple[IdempotencyKey, ...]
    trace: Trace
    scope: TokenScope
    can_rebase: bool
    allows_any_version: bool

    @classmethod
    def of(cls, number: int, request: CommandRequest) -> "RelayedRequest":
        """A request that `is_relayable`."""
        commands = [
            (one.target, type(one.command).__name__, Raw(_encoder.encode(one.command))) for one in request.commands
        ]
        return cls(
            number,
            commands,
            request.actor,
            request.command_id,
            tuple(request.idempotency_keys),
            request.trace,
            request.scope,
            request.can_rebase,
            request.allows_any_version,
        )

    def to_request(self) -> CommandRequest:
        """The request as it was; raises msgspec.ValidationError or KeyError for one of another version of the code."""
        return CommandRequest(
            [CommandOn(target, _decode_command(name, data)) for target, name, data in self.commands],
            self.actor,
            self.command_id,
            self.idempotency_keys,
            self.trace,
            self.scope,
            can_rebase=self.can_rebase,
            allows_any_version=self.allows_any_version,
        )


class Reply(Struct, frozen=True, array_like=True):
    """What became of a request: committed, or its outcome is unknown; with neither, nothing was written."""

    number: int
    committed: Committed | None = None
    is_unknown: bool = False
    version: str = ""


HERE, GONE = Reply(0, version=version("taskledger")), Reply(0, is_unknown=True)
"""Whether the writer takes requests: the first message on a connection, and the last.

Processes restarted during an upgrade may have other commands, so the first names the version: of another, nothing is
asked.
"""


class FrameProtocol(asyncio.Protocol):
    """Receives whole messages, and sends those of one turn of the event loop at once."""

    def __init__(self) -> None:
        self._received = bytearray()
        self._outgoing = bytearray()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Split what has arrived into messages."""
        received = self._received
        received += data
        start = 0
        while len(received) - start >= LENGTH_BYTES:
            end = start + LENGTH_BYTES + int.from_bytes(received[start : start + LENGTH_BYTES], "little")
            if len(received) < end:
                break
            self.message_received(bytes(received[start + LENGTH_BYTES : end]))
            start = end
        del received[:start]

    def message_received(self, message: bytes) -> None:
        """Handle one message."""
        raise NotImplementedError

    def send(self, message: object) -> None:
        """Send a message with the others of this turn; one to a connection that is gone is dropped."""
        if not self._outgoing:
            asyncio.get_running_loop().call_soon(self._flush)
        start = len(self._outgoing)
        self._outgoing += bytes(LENGTH_BYTES)
        _encoder.encode_into(message, self._outgoing, start + LENGTH_BYTES)
        length = len(self._outgoing) - start - LENGTH_BYTES
        self._outgoing[start : start + LENGTH_BYTES] = length.to_bytes(LENGTH_BYTES, "little")

    def close(self) -> None:
        """Close the connection at once."""
        if self._transport:
            self._transport.abort()

    def _flush(self) -> None:
        outgoing, self._outgoing = self._outgoing, bytearray()
        if self._transport and not self._transport.is_closing():
            self._transport.write(outgoing)


def is_relayable(request: CommandRequest) -> bool:
    """Whether another process can carry it out: a request of ordinary commands, as a client sent it."""
    return (
        not request.is_dry_run and not request.decided_as and all(one.command.is_batchable for one in request.commands)
    )


def _decode_command(name: str, data: Raw) -> Command[Any]:
    return _command_decoder(name).decode(data)


@cache
def _command_decoder(name: str) -> msgspec.msgpack.Decoder[Command[Any]]:
    return msgspec.msgpack.Decoder(all_commands()[name])
