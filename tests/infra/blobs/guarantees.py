"""Guarantees of a blob store, whatever it is: each a check of an empty one that fails if it is broken."""

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from infra.blobs.blob_store import BlobKey, BlobMissing, BlobStore
from infra.ids import new_id

MEGABYTES = 2**20


def new_key(workspace: UUID | None = None) -> BlobKey:
    return BlobKey(workspace or new_id(), new_id())


def store_bytes(store: BlobStore, content: bytes, key: BlobKey | None = None) -> BlobKey:
    key = key or new_key()
    spool = store.open_spool()
    spool.write(content)
    store.store(spool, key)
    return key


def read_bytes(store: BlobStore, key: BlobKey, start: int, stop: int) -> bytes:
    reader = store.open(key, start, stop)
    try:
        return b"".join(iter(reader.read_piece, b""))
    finally:
        reader.close()


def bytes_come_back(store: BlobStore) -> None:
    for size in (0, 1, MEGABYTES, 20 * MEGABYTES + 7):
        content = os.urandom(size)
        key = store_bytes(store, content)
        assert read_bytes(store, key, 0, size) == content


def any_range_comes_back(store: BlobStore) -> None:
    content = os.urandom(3 * MEGABYTES)
    key = store_bytes(store, content)
    for start, stop in ((0, 1), (1, 2), (0, len(content)), (MEGABYTES - 1, 2 * MEGABYTES + 1), (len(content) - 1,) * 2):
        assert read_bytes(store, key, start, stop) == content[start:stop]


def what_is_discarded_is_not_stored(store: BlobStore) -> None:
    spool = store.open_spool()
    spool.write(b"half of a file")
    store.discard(spool)
    assert spool.closed
    assert store.list_page(None, 10) == []


def what_is_missing_is_told_before_the_first_piece(store: BlobStore) -> None:
    with pytest.raises(BlobMissing):
        store.open(new_key(), 0, 1)


def deleting_twice_is_the_same(store: BlobStore) -> None:
    here, there = store_bytes(store, b"here"), store_bytes(store, b"there")
    for _ in range(2):
        store.delete([here])
    with pytest.raises(BlobMissing):
        store.open(here, 0, 1)
    assert read_bytes(store, there, 0, 5) == b"there"


def pages_list_every_blob_once_in_order(store: BlobStore) -> None:
    first, second = new_id(), new_id()
    keys = sorted(store_bytes(store, b"x", new_key(workspace)) for workspace in (second, first, second, first, first))
    before = datetime.now(UTC)
    listed, after = list[BlobKey](), None
    while page := store.list_page(after, 2):
        assert len(page) <= 2
        assert after is None or page[0].key > after
        assert all(abs(one.stored_at - before) < timedelta(minutes=1) for one in page)
        listed += [one.key for one in page]
        after = listed[-1]
    assert listed == keys


GUARANTEES: tuple[Callable[[BlobStore], None], ...] = (
    bytes_come_back,
    any_range_comes_back,
    what_is_discarded_is_not_stored,
    what_is_missing_is_told_before_the_first_piece,
    deleting_twice_is_the_same,
    pages_list_every_blob_once_in_order,
)
