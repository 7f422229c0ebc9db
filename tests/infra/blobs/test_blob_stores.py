"""Both blob stores keep the same guarantees: a folder, and a bucket of a real S3 server."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO
from uuid import UUID, uuid4

import pytest

from infra.blobs.blob_store import BlobKey, BlobReader, BlobStore, StoredBlob
from infra.blobs.folder import FolderBlobs
from infra.blobs.open_store import open_blob_store
from infra.errors import OperatorError
from tests.infra.blobs import guarantees
from tests.infra.blobs.s3_server import s3_server
from tests.law import planted_defect


@pytest.fixture(scope="module")
def bucket_url() -> Iterator[str]:
    with s3_server() as url:
        yield url


@pytest.fixture(params=["folder", "bucket"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> BlobStore:
    if request.param == "folder":
        return open_blob_store(str(tmp_path))
    return open_blob_store(f"{request.getfixturevalue('bucket_url')}/{uuid4()}")


@pytest.mark.parametrize("guarantee", guarantees.GUARANTEES, ids=lambda one: one.__name__)
def test_a_store_keeps_its_guarantees(store: BlobStore, guarantee: Callable[[BlobStore], None]) -> None:
    guarantee(store)


def test_a_store_that_can_be_used_passes_its_check(store: BlobStore) -> None:
    store.check()
    assert store.list_page(None, 10) == []


class _ShiftedRanges(FolderBlobs):
    def open(self, key: BlobKey, start: int, stop: int) -> BlobReader:
        return super().open(key, start, max(start, stop - 1))


class _KeptDiscards(FolderBlobs):
    def discard(self, spool: IO[bytes]) -> None:
        self.store(spool, guarantees.new_key())


class _RepeatedPages(FolderBlobs):
    def list_page(self, after: BlobKey | None, limit: int) -> list[StoredBlob]:
        return super().list_page(after and BlobKey(after.workspace_id, UUID(int=0)), limit)


@pytest.mark.parametrize(
    ("defect", "guarantee"),
    [
        (_ShiftedRanges, guarantees.any_range_comes_back),
        (_ShiftedRanges, guarantees.bytes_come_back),
        (_KeptDiscards, guarantees.what_is_discarded_is_not_stored),
        (_RepeatedPages, guarantees.pages_list_every_blob_once_in_order),
    ],
)
def test_a_defect_is_noticed(tmp_path: Path, defect: type[FolderBlobs], guarantee: Callable[[BlobStore], None]) -> None:
    with planted_defect(), pytest.raises(AssertionError):
        guarantee(defect(tmp_path))


def test_a_bucket_that_cannot_be_used_is_told_in_one_line(bucket_url: str) -> None:
    del bucket_url  # its server has no other
    with pytest.raises(OperatorError, match=r"Attachments cannot be stored in s3://absent/x: .*TASKLEDGER_BLOBS"):
        open_blob_store("s3://absent/x").check()
