"""A folder of blobs: private files, no half ones, and an operator who is told what to do."""

import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from infra.blobs.blob_store import BlobStoreError
from infra.blobs.folder import FolderBlobs
from infra.blobs.open_store import require_blob_store
from infra.errors import OperatorError
from infra.settings import Settings
from tests.infra.blobs.guarantees import new_key, store_bytes

NOWHERE = Settings(
    database_url="postgresql://", migration_url="postgresql://", redis_url="redis://", broker_url="redis://", blobs="/"
)


def test_files_are_private(tmp_path: Path) -> None:
    key = store_bytes(FolderBlobs(tmp_path), b"secret")
    file = tmp_path / key.path()
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)


def test_an_upload_stands_apart_until_it_is_stored(tmp_path: Path) -> None:
    store = FolderBlobs(tmp_path)
    spool = store.open_spool()
    spool.write(b"half")
    assert store.list_page(None, 10) == []
    assert [file.parent.name for file in tmp_path.rglob("*") if file.is_file()] == ["incoming"]
    store.discard(spool)
    assert [file for file in tmp_path.rglob("*") if file.is_file()] == []


def test_uploads_of_a_killed_process_are_deleted_after_a_while(tmp_path: Path) -> None:
    store = FolderBlobs(tmp_path)
    abandoned, current = store.open_spool(), store.open_spool()
    long_ago = datetime.now(UTC) - timedelta(days=2)
    os.utime(abandoned.name, (long_ago.timestamp(),) * 2)
    store.delete_abandoned(datetime.now(UTC) - timedelta(days=1))
    assert [Path(one.name).exists() for one in (abandoned, current)] == [False, True]
    for one in (abandoned, current):
        store.discard(one)


def test_other_files_in_the_folder_are_no_blobs(tmp_path: Path) -> None:
    store = FolderBlobs(tmp_path)
    key = store_bytes(store, b"x")
    (tmp_path / str(key.workspace_id) / "notes.txt").write_text("mine")
    (tmp_path / "lost+found").mkdir()
    (tmp_path / "README").write_text("mine")
    assert [one.key for one in store.list_page(None, 10)] == [key]


def test_a_folder_that_vanished_refuses_uploads(tmp_path: Path) -> None:
    store = FolderBlobs(tmp_path / "unmounted")
    with pytest.raises(BlobStoreError):
        store.open_spool()
    with pytest.raises(BlobStoreError):
        store.list_page(None, 10)


def test_the_folder_of_an_instance_is_made(tmp_path: Path) -> None:
    data = tmp_path / "data"
    require_blob_store(replace(NOWHERE, data=str(data), blobs=str(data / "blobs")))
    assert (data / "blobs").is_dir()


@pytest.mark.parametrize("is_file", [False, True])
def test_a_named_folder_must_be_there(tmp_path: Path, is_file: bool) -> None:  # noqa: FBT001 - a table
    folder = tmp_path / "disk"
    if is_file:
        folder.write_text("no folder")
    with pytest.raises(OperatorError, match=f"cannot be stored in {folder}: .*Create that folder .*TASKLEDGER_BLOBS"):
        require_blob_store(replace(NOWHERE, data=str(tmp_path), blobs=str(folder)))


def test_a_package_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "infra.blobs.object_store", None)
    with pytest.raises(OperatorError, match=r"pip install 'taskledger\[s3\]'"):
        require_blob_store(replace(NOWHERE, blobs="s3://files"))


def test_deleting_what_is_not_there_is_no_error(tmp_path: Path) -> None:
    FolderBlobs(tmp_path).delete([new_key()])
