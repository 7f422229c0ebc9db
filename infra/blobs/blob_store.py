"""A blob store: keeps bytes under a key, which is a workspace and an attachment, and never changes them.

Its methods block, so the event loop calls them in threads. They raise BlobStoreError when the store does not respond or
has no room.
"""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import IO, Final, Protocol
from uuid import UUID

from msgspec import Struct

_ID: Final = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
PIECE_BYTES = 256 * 1024
"""How much is read or written at a time."""


class BlobKey(Struct, frozen=True, order=True):
    """Blobs of a workspace that the log does not know belong to another installation, and are left alone."""

    workspace_id: UUID
    attachment_id: UUID

    def path(self) -> str:
        """As in a folder or a bucket."""
        return f"{self.workspace_id}/{self.attachment_id}"

    @classmethod
    def parse(cls, path: str) -> "BlobKey | None":
        """None for a path that is no key."""
        workspace, _, attachment = path.partition("/")
        return cls(UUID(workspace), UUID(attachment)) if is_id(workspace) and is_id(attachment) else None


def is_id(text: str) -> bool:
    """Whether a text is an id as it is written in keys."""
    return _ID.fullmatch(text) is not None


class StoredBlob(Struct, frozen=True):
    """A key that bytes are stored under, and since when."""

    key: BlobKey
    stored_at: datetime


class BlobStoreError(Exception):
    """The store does not respond, or refuses."""


class BlobMissing(Exception):
    """No bytes are stored under this key."""


class BlobReader(Protocol):
    """Reads a part of a blob, piece by piece."""

    def read_piece(self) -> bytes:
        """The next bytes; empty at the end."""

    def close(self) -> None:
        """Read nothing more."""


class BlobStore(Protocol):
    """Where the bytes are."""

    def open_spool(self) -> IO[bytes]:
        """A new file on this machine that an upload goes to, until it is complete and stored or discarded."""

    def store(self, spool: IO[bytes], key: BlobKey) -> None:
        """Store the bytes of a spool durably, all or none, and close it."""

    def discard(self, spool: IO[bytes]) -> None:
        """Close a spool and delete its bytes, unless they are stored."""

    def open(self, key: BlobKey, start: int, stop: int) -> BlobReader:
        """Open the bytes from `start` up to `stop`; raises BlobMissing if nothing is stored."""

    def delete(self, keys: Sequence[BlobKey]) -> None:
        """Delete the bytes under these keys, if there are any."""

    def list_page(self, after: BlobKey | None, limit: int) -> list[StoredBlob]:
        """The next blobs after a key, in order."""

    def delete_abandoned(self, before: datetime) -> None:
        """Delete what a process that was killed left of uploads that began before a time."""

    def check(self) -> None:
        """Write, read and delete a blob; raises OperatorError, which says what to do."""
