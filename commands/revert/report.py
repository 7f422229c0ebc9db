"""The report of a revert: what it took back, and what it left as it is."""

from uuid import UUID

from msgspec import Struct


class SkippedFields(Struct, frozen=True):
    """Fields of one stream that were changed since, and stay as they are."""

    stream: UUID
    fields: tuple[str, ...]


class RevertReport(Struct, frozen=True):
    """The command that took a change back, the change, the id of its preview, and what was left as it is."""

    command_id: UUID
    reverted: UUID
    preview: str
    skipped: tuple[SkippedFields, ...] = ()
