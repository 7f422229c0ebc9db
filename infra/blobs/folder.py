"""A blob store in a folder: a file for each blob, written to a temporary one and renamed."""

import contextlib
import os
import tempfile
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import IO

from infra.blobs.blob_store import PIECE_BYTES, BlobKey, BlobMissing, BlobReader, BlobStoreError, StoredBlob, is_id
from infra.errors import OperatorError

_SPOOLS = "incoming"


class FolderBlobs:
    """Only our own account can read what is in the folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def create(self) -> None:
        """Create the folder, if it does not exist; `check` tells if that failed."""
        with contextlib.suppress(OSError):
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def open_spool(self) -> IO[bytes]:
        with _store_errors():
            spools = self._folder / _SPOOLS
            spools.mkdir(mode=0o700, exist_ok=True)
            return tempfile.NamedTemporaryFile(dir=spools, delete=False)

    def store(self, spool: IO[bytes], key: BlobKey) -> None:
        target = self._folder / key.path()
        with _store_errors():
            target.parent.mkdir(mode=0o700, exist_ok=True)
            spool.flush()
            os.fsync(spool.fileno())
            spool.close()
            Path(spool.name).replace(target)
            _sync_folder(target.parent)
            _sync_folder(self._folder)

    def discard(self, spool: IO[bytes]) -> None:
        with contextlib.suppress(OSError):
            spool.close()
        with contextlib.suppress(OSError):
            Path(spool.name).unlink()

    def open(self, key: BlobKey, start: int, stop: int) -> BlobReader:
        with _store_errors():
            try:
                file = (self._folder / key.path()).open("rb")
            except FileNotFoundError as error:
                raise BlobMissing(key.path()) from error
            file.seek(start)
        return _FileReader(file, stop - start)

    def delete(self, keys: Sequence[BlobKey]) -> None:
        with _store_errors():
            for key in keys:
                (self._folder / key.path()).unlink(missing_ok=True)

    def list_page(self, after: BlobKey | None, limit: int) -> list[StoredBlob]:
        with _store_errors():
            return [
                StoredBlob(key, _modified_at(self._folder / key.path())) for key in islice(self._keys(after), limit)
            ]

    def delete_abandoned(self, before: datetime) -> None:
        with _store_errors():
            for spool in (self._folder / _SPOOLS).glob("*"):
                if _modified_at(spool) < before:
                    spool.unlink(missing_ok=True)

    def check(self) -> None:
        try:
            with tempfile.NamedTemporaryFile(dir=self._folder) as probe:
                probe.write(b"ok")
        except OSError as error:
            raise OperatorError(
                f"Attachments cannot be stored in {self._folder}: {error.strerror}. Create that folder and let this "
                "account write to it, or name another one in TASKLEDGER_BLOBS."
            ) from error

    def _keys(self, after: BlobKey | None) -> Iterator[BlobKey]:
        """In order, as names are sorted like ids; only folders from that of `after` on are read."""
        first = str(after.workspace_id) if after else ""
        for workspace in sorted(one for one in self._folder.iterdir() if one.name >= first and is_id(one.name)):
            keys = (BlobKey.parse(f"{workspace.name}/{file.name}") for file in sorted(workspace.iterdir()))
            yield from (key for key in keys if key and (after is None or key > after))


@contextlib.contextmanager
def _store_errors() -> Iterator[None]:
    """Raise BlobStoreError for an error of the file system."""
    try:
        yield
    except OSError as error:
        raise BlobStoreError(str(error)) from error


class _FileReader:
    def __init__(self, file: IO[bytes], length: int) -> None:
        self._file, self._left = file, length

    def read_piece(self) -> bytes:
        with _store_errors():
            piece = self._file.read(min(PIECE_BYTES, self._left))
        self._left -= len(piece)
        return piece

    def close(self) -> None:
        self._file.close()


def _modified_at(file: Path) -> datetime:
    return datetime.fromtimestamp(file.stat().st_mtime, UTC)


def _sync_folder(folder: Path) -> None:
    """Make the names in a folder survive a loss of power."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
