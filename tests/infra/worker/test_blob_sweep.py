"""The blob sweep: what no event names is deleted, and nothing else, whatever the read models say."""

from collections.abc import Callable, Collection
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from infra.blobs.blob_store import BlobKey
from infra.blobs.folder import FolderBlobs
from infra.settings import Settings
from infra.worker import blob_sweep
from infra.worker.blob_sweep import BlobSweep, unused_keys
from infra.worker.trash_purge import TrashPurge
from projections.engine.connection import SyncConnection
from tests.examples import (
    ATTACHMENT,
    ATTACHMENT_REMOVED,
    OTHER_ATTACHMENT,
    PURGED,
    TRASHED,
    WORKSPACE,
    Facts,
    attachment,
    fixed_uuid7,
    project,
    task,
    user,
    workspace,
)
from tests.infra.blobs.guarantees import new_key, store_bytes
from tests.law import planted_defect
from tests.projections import oracle

USED = BlobKey(WORKSPACE, ATTACHMENT)
UNNAMED = BlobKey(WORKSPACE, OTHER_ATTACHMENT)


@pytest.fixture
def store(tmp_path: Path) -> FolderBlobs:
    return FolderBlobs(tmp_path)


def append(database: SyncConnection, *facts: Facts) -> None:
    oracle.append_facts(database, [fact for several in (user(), workspace(), project(), *facts) for fact in several])


def later() -> datetime:
    return datetime.now(UTC) + timedelta(minutes=1)


def left(store: FolderBlobs) -> list[BlobKey]:
    return [one.key for one in store.list_page(None, 1_000)]


def sweep_all(store: FolderBlobs, database: SyncConnection, stored_before: datetime) -> None:
    sweep = BlobSweep(store)
    while sweep.sweep_page(database, stored_before):
        pass


def only_what_no_event_names_is_deleted(database: SyncConnection, store: FolderBlobs) -> None:
    """The read models are not up to date."""
    foreign = new_key()
    append(database, task(), attachment())
    for key in (USED, UNNAMED, foreign):
        store_bytes(store, b"x", key)
    sweep_all(store, database, later())
    assert left(store) == sorted([USED, foreign])


def test_only_what_no_event_names_is_deleted(database: SyncConnection, store: FolderBlobs) -> None:
    only_what_no_event_names_is_deleted(database, store)


def _nothing_is_used(_: SyncConnection, keys: Collection[BlobKey]) -> set[BlobKey]:
    return set(keys)


def _foreign_keys_count(connection: SyncConnection, keys: Collection[BlobKey]) -> set[BlobKey]:
    return unused_keys(connection, keys) | {key for key in keys if key.workspace_id != WORKSPACE}


def _all_is_used(_: SyncConnection, __: Collection[BlobKey]) -> set[BlobKey]:
    return set()


@pytest.mark.parametrize("defect", [_nothing_is_used, _foreign_keys_count, _all_is_used])
def test_a_sweep_that_takes_too_much_or_too_little_is_noticed(
    database: SyncConnection,
    store: FolderBlobs,
    monkeypatch: pytest.MonkeyPatch,
    defect: Callable[[SyncConnection, Collection[BlobKey]], set[BlobKey]],
) -> None:
    monkeypatch.setattr(blob_sweep, "unused_keys", defect)
    with planted_defect(), pytest.raises(AssertionError):
        only_what_no_event_names_is_deleted(database, store)


def test_what_was_removed_or_purged_is_deleted(database: SyncConnection, store: FolderBlobs) -> None:
    append(database, task(), attachment(ATTACHMENT_REMOVED), attachment(attachment_id=OTHER_ATTACHMENT)[1:])
    for key in (USED, UNNAMED):
        store_bytes(store, b"x", key)
    sweep_all(store, database, later())
    assert left(store) == [UNNAMED]
    oracle.append_facts(database, task(TRASHED, PURGED)[-2:])
    sweep_all(store, database, later())
    assert left(store) == []


def test_what_was_just_stored_stays(database: SyncConnection, store: FolderBlobs) -> None:
    append(database, task())
    store_bytes(store, b"x", UNNAMED)
    sweep_all(store, database, datetime.now(UTC) - timedelta(minutes=1))
    assert left(store) == [UNNAMED]


def test_every_page_is_swept(database: SyncConnection, store: FolderBlobs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blob_sweep, "MAX_BLOBS_AT_ONCE", 2)
    append(database, task(), attachment())
    for key in (USED, *(BlobKey(WORKSPACE, fixed_uuid7(200 + number)) for number in range(5))):
        store_bytes(store, b"x", key)
    sweep_all(store, database, later())
    assert left(store) == [USED]


def test_a_purge_deletes_the_bytes_of_its_tasks(
    database: SyncConnection, store: FolderBlobs, settings: Settings
) -> None:
    append(database, task(), attachment(), task(TRASHED, task_id=fixed_uuid7(33), number=2))
    for key in (USED, UNNAMED):
        store_bytes(store, b"x", key)
    oracle.catch_up(database)
    purge = TrashPurge(settings.database_url, delete_blobs=store.delete)
    purge.purge_page(database, later())
    assert left(store) == [USED, UNNAMED]
    oracle.append_facts(database, task(TRASHED)[-1:])
    oracle.catch_up(database)
    purge.purge_page(database, later())
    assert left(store) == [UNNAMED]
