"""A command and the stream that it is about."""

from typing import Any
from uuid import UUID

from msgspec import Struct

from commands.command import Command


class CommandOn(Struct, frozen=True):
    """A command and its target stream."""

    target: UUID
    command: Command[Any]
