"""New ids: UUIDv7 (RFC 9562), which sort by creation time."""

from uuid import UUID

from uuid_utils.compat import uuid7


def new_id() -> UUID:
    """A new, unique UUIDv7."""
    return uuid7()
