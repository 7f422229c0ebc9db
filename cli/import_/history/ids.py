"""Ids of what is imported, made from its ids in the file: importing the file again gives the same ones."""

from datetime import datetime
from hashlib import sha256
from typing import Final
from uuid import UUID

from msgspec import Struct

_VERSION_7: Final = 0x7 << 76
_VERSION_8: Final = 0x8 << 76
_VARIANT: Final = 0b10 << 62
_TAIL_BITS: Final = 62
_CHANCE_BITS: Final = 42
"""Of the id of a command; 32 bits are its number."""


class FileIdentity(Struct, frozen=True):
    """A file, by its format, the board in it and its content."""

    format: str
    board: str
    content: str

    def project_id(self, workspace_id: UUID, key: str) -> UUID:
        """The id of the project that it becomes: of version 8, first from its board, then from its content."""
        head = _digest("board", workspace_id, key, self.format, self.board) >> 68
        tail = _digest("content", self.content) & (1 << _TAIL_BITS) - 1
        return UUID(int=(head >> 12 << 80) | _VERSION_8 | (head & 0xFFF) << 64 | _VARIANT | tail)

    def is_board_of(self, project_id: UUID, workspace_id: UUID, key: str) -> bool:
        """Whether a project was imported from this board, of this or of another file."""
        return project_id.int >> 64 == self.project_id(workspace_id, key).int >> 64

    def person_id(self, workspace_id: UUID, person: str) -> UUID:
        """The id of a person who is no user here: the same for all boards of the workspace."""
        return _id(_VERSION_8, _digest("person", workspace_id, self.format, person))


class ForeignIds(Struct, frozen=True):
    """Ids of what belongs to an imported project."""

    project_id: UUID

    def new_id(self, kind: str, foreign_id: str, at: datetime) -> UUID:
        """The id of what was created at that time: of version 7, so that ids are in the order of creation."""
        chance = _digest(kind, self.project_id, foreign_id)
        return UUID(int=(_milliseconds(at) << 80) | _id(_VERSION_7, chance).int & (1 << 80) - 1)

    def command_id(self, at: datetime, sequence: int) -> UUID:
        """The id of the command of that number: in the order of the numbers, also within a millisecond."""
        chance = _digest("command", self.project_id, sequence) >> 128 - _CHANCE_BITS
        place, tail = divmod(sequence << _CHANCE_BITS | chance, 1 << _TAIL_BITS)
        return UUID(int=(_milliseconds(at) << 80) | _VERSION_7 | place << 64 | _VARIANT | tail)


def _milliseconds(at: datetime) -> int:
    return max(0, round(at.timestamp() * 1000))


def _digest(*parts: object) -> int:
    return int.from_bytes(sha256("\0".join(map(str, parts)).encode()).digest()[:16], "big")


def _id(version: int, chance: int) -> UUID:
    return UUID(int=chance & ~(0xF << 76) & ~(0b11 << 62) | version | _VARIANT)
