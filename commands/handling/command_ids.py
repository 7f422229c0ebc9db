"""What a command id tells: the time of the command, and ids for what it creates beside its target."""

from datetime import UTC, datetime
from hashlib import sha256
from typing import Final
from uuid import UUID

_RANDOM_BITS: Final = 80
"""Of a UUIDv7, below its 48 bits of time: four of them are its version, and two its variant (RFC 9562, section 5.7)."""
_FREE_BITS: Final = (1 << _RANDOM_BITS) - 1 - (0xF << 76) - (0b11 << 62)
_VERSION_AND_VARIANT: Final = (0x7 << 76) | (0b10 << 62)


def time_of(command_id: UUID) -> datetime:
    """When the command was received, to the millisecond."""
    return datetime.fromtimestamp((command_id.int >> _RANDOM_BITS) / 1000, UTC)


def derived_id(command_id: UUID, target: UUID, version: int, number: int) -> UUID:
    """The UUIDv7 of that number that a command makes for a target of that version: the same whenever it is decided."""
    digest = sha256(f"{command_id} {target} {version} {number}".encode()).digest()
    chance = int.from_bytes(digest[: _RANDOM_BITS // 8], "big") & _FREE_BITS
    return UUID(int=(command_id.int >> _RANDOM_BITS << _RANDOM_BITS) | _VERSION_AND_VARIANT | chance)
