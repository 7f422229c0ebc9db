"""A blob store in a bucket of S3 or of a store that speaks its protocol; needs the extra `s3`.

Region, endpoint and credentials come from the variables that S3 clients share, such as AWS_ACCESS_KEY_ID,
AWS_SECRET_ACCESS_KEY, AWS_REGION and AWS_ENDPOINT_URL, or from the role of the machine.
"""

import contextlib
import tempfile
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import IO, Any, Final
from uuid import UUID

import obstore
from obstore.exceptions import BaseError
from obstore.store import S3Store

from infra.blobs.blob_store import PIECE_BYTES, BlobKey, BlobMissing, BlobReader, BlobStoreError, StoredBlob
from infra.errors import OperatorError

PART_BYTES: Final = 8 * 2**20
"""Of an upload in parts, two of which are in memory: 10,000 of them, the most that S3 takes, are 80 GiB."""
_PROBE: Final = BlobKey(UUID(int=0), UUID(int=0))


class ObjectStoreBlobs:
    """Uploads are spooled in the temporary folder of this machine, in files without a name."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._store = S3Store.from_url(
            url,
            client_options={"allow_http": True, "connect_timeout": "3s", "timeout": "30s"},
            retry_config={"max_retries": 2, "retry_timeout": timedelta(seconds=20)},
        )

    def open_spool(self) -> IO[bytes]:
        with _store_errors():
            return tempfile.TemporaryFile()

    def store(self, spool: IO[bytes], key: BlobKey) -> None:
        with _store_errors(), spool:
            spool.seek(0)
            obstore.put(self._store, key.path(), spool, chunk_size=PART_BYTES, max_concurrency=2)

    def discard(self, spool: IO[bytes]) -> None:
        with contextlib.suppress(OSError):
            spool.close()

    def open(self, key: BlobKey, start: int, stop: int) -> BlobReader:
        if start == stop:  # which is no range of S3's
            return _PieceReader(iter(()))
        with _store_errors():
            try:
                found = obstore.get(self._store, key.path(), options={"range": (start, stop)})
            except FileNotFoundError as error:
                raise BlobMissing(key.path()) from error
        return _PieceReader(iter(found.stream(min_chunk_size=PIECE_BYTES)))

    def delete(self, keys: Sequence[BlobKey]) -> None:
        with _store_errors(), contextlib.suppress(FileNotFoundError):
            obstore.delete(self._store, [key.path() for key in keys])

    def list_page(self, after: BlobKey | None, limit: int) -> list[StoredBlob]:
        with _store_errors():
            listed = obstore.list(self._store, offset=after.path() if after else None, chunk_size=limit)
            page = next(iter(listed), ())
        keys = ((BlobKey.parse(one["path"]), one["last_modified"]) for one in page)
        return [StoredBlob(key, at) for key, at in keys if key]

    def delete_abandoned(self, before: datetime) -> None:
        """Nothing: a file without a name ends with its process."""

    def check(self) -> None:
        try:
            obstore.put(self._store, _PROBE.path(), b"ok")
            obstore.delete(self._store, _PROBE.path())
        except (BaseError, OSError, ValueError) as error:
            reason = str(error).strip().partition("\n")[0]
            raise OperatorError(
                f"Attachments cannot be stored in {self._url}: {reason}. Check TASKLEDGER_BLOBS, and the endpoint, "
                "region and credentials in the AWS_ variables."
            ) from error


class _PieceReader:
    def __init__(self, pieces: Iterator[Any]) -> None:
        self._pieces = pieces

    def read_piece(self) -> bytes:
        with _store_errors():
            return bytes(next(self._pieces, b""))

    def close(self) -> None:
        self._pieces = iter(())


@contextlib.contextmanager
def _store_errors() -> Iterator[None]:
    """Raise BlobStoreError for an error of the store or the file system."""
    try:
        yield
    except (BaseError, OSError) as error:
        raise BlobStoreError(str(error)) from error
