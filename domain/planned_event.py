"""A planned event: what commands that were only tried would have written."""

from typing import Any, Self
from uuid import UUID

import msgspec
from msgspec import Struct

from domain import codec
from domain.event import Event


class PlannedEvent(Struct, frozen=True):
    """An event that commands would have written: its stream, type, version and data."""

    stream: UUID
    type: str
    version: int
    data: dict[str, Any]

    @classmethod
    def of(cls, stream: UUID, event: Event, version: int) -> Self:
        data = msgspec.to_builtins(event)
        del data[event.__struct_config__.tag_field]
        return cls(stream, codec.stored_name_of(event), version, data)
