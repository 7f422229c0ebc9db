"""The blob store for the event loop: its calls block, so they run in a few threads of their own."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from hashlib import sha256
from typing import IO, TypeVar

from domain.errors import BlobsUnavailable
from infra.blobs.blob_store import BlobKey, BlobReader, BlobStore, BlobStoreError
from infra.logs import logger

T = TypeVar("T")
MAX_THREADS = 8
"""A slow client has none of them: it waits outside, between two pieces."""


class BlobThreads:
    def __init__(self, store: BlobStore) -> None:
        self._store = store
        self._threads = ThreadPoolExecutor(MAX_THREADS, "blobs")

    @asynccontextmanager
    async def upload(self) -> AsyncIterator["Upload"]:
        """A new upload, which is discarded at the end of the block unless it is stored."""
        spool = await self.run(self._store.open_spool)
        upload = Upload(self, self._store, spool)
        try:
            yield upload
        finally:
            if not upload.is_stored:
                self.leave(self._store.discard, spool)

    async def download(self, key: BlobKey, start: int, stop: int) -> "Download":
        """The bytes from `start` up to `stop`; raises BlobMissing or BlobsUnavailable."""
        return Download(self, await self.run(self._store.open, key, start, stop))

    async def delete(self, keys: Sequence[BlobKey]) -> None:
        await self.run(self._store.delete, keys)

    def close(self) -> None:
        """Start nothing more; what runs is left behind."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def run(self, function: Callable[..., T], *arguments: object) -> T:
        """The result of a function that blocks; raises BlobsUnavailable for an error of the store."""
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, function, *arguments)
        except BlobStoreError as error:
            logger.warning("attachments: {}", " ".join(str(error).split()))
            raise BlobsUnavailable from error

    def leave(self, function: Callable[..., object], *arguments: object) -> None:
        """Call a function in a thread without waiting for it."""
        with suppress(RuntimeError):  # closed, so the process ends
            self._threads.submit(function, *arguments)


class Upload:
    """An upload as far as it has arrived: its size in bytes, and its SHA-256 in hexadecimal digits."""

    def __init__(self, threads: BlobThreads, store: BlobStore, spool: IO[bytes]) -> None:
        self._threads, self._store, self._spool = threads, store, spool
        self._hash = sha256()
        self.size = 0
        self.is_stored = False

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()

    @staticmethod
    def sha256_of(content: bytes) -> str:
        """In hexadecimal digits."""
        return sha256(content).hexdigest()

    async def write(self, piece: bytes) -> None:
        """Add the next piece."""
        await self._threads.run(self._write, piece)
        self.size += len(piece)

    async def store(self, key: BlobKey) -> None:
        """Store the bytes under a key."""
        await self._threads.run(self._store.store, self._spool, key)
        self.is_stored = True

    def _write(self, piece: bytes) -> None:
        try:
            self._spool.write(piece)
        except OSError as error:
            raise BlobStoreError(str(error)) from error
        self._hash.update(piece)


class Download:
    """A part of a blob on its way to a client."""

    def __init__(self, threads: BlobThreads, reader: BlobReader) -> None:
        self._threads, self._reader = threads, reader

    async def read_piece(self) -> bytes:
        """The next bytes; empty at the end."""
        return await self._threads.run(self._reader.read_piece)

    def close(self) -> None:
        """Read nothing more."""
        self._threads.leave(self._reader.close)
