"""The blob sweep: deletes the bytes that no event names any longer, and those that none ever named.

What is in use is read from the log, not from a read model: one that is behind, or stuck, would have files deleted that
are in use.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Final, TypeVar, cast
from uuid import UUID

from domain.attachment import AttachmentAdded, AttachmentRemoved
from domain.event import Event
from domain.task import TaskPurged
from domain.workspace import WorkspaceCreated
from infra import log
from infra.blobs.blob_store import BlobKey, BlobStore
from projections.engine.connection import SyncConnection

MAX_BLOBS_AT_ONCE: Final = 200
E = TypeVar("E", bound=Event)


class BlobSweep:
    """Pages over the blob store again and again, one page a call."""

    def __init__(self, store: BlobStore) -> None:
        self._store = store
        self._after: BlobKey | None = None

    def sweep_page(self, connection: SyncConnection, stored_before: datetime) -> bool:
        """Delete what is unused in one page of the store; returns whether there are more pages.

        What was stored later is left alone: its command may be on its way.
        """
        if self._after is None:
            self._store.delete_abandoned(stored_before)
        page = self._store.list_page(self._after, MAX_BLOBS_AT_ONCE)
        old_keys = [one.key for one in page if one.stored_at < stored_before]
        if unused := sorted(unused_keys(connection, old_keys)):
            self._store.delete(unused)
        self._after = page[-1].key if len(page) == MAX_BLOBS_AT_ONCE else None
        return self._after is not None


def unused_keys(connection: SyncConnection, keys: Collection[BlobKey]) -> set[BlobKey]:
    """Those of these keys that belong to a workspace of this log, and to no attachment of a task in it."""
    workspaces = _load(connection, {key.workspace_id for key in keys}, WorkspaceCreated)
    own = {key for key in keys if key.workspace_id in workspaces}
    attachments = {key.attachment_id for key in own}
    added = _load(connection, attachments, AttachmentAdded)
    removed = _load(connection, attachments, AttachmentRemoved)
    purged = _load(connection, {event.task_id for event in added.values()}, TaskPurged)
    used = {one for one, event in added.items() if one not in removed and event.task_id not in purged}
    return {key for key in own if key.attachment_id not in used}


def _load(connection: SyncConnection, streams: Collection[UUID], event_type: type[E]) -> dict[UUID, E]:
    """The last event of a type in each of these streams that has one."""
    found = log.load_events_of_types(connection, streams, [event_type]) if streams else []
    return {recorded.stream: cast("E", recorded.event) for recorded in found}
