"""Opens the blob store that a setting names, and says what to do if it cannot be used."""

from pathlib import Path

from infra.blobs.blob_store import BlobStore
from infra.blobs.folder import FolderBlobs
from infra.errors import OperatorError
from infra.settings import DEFAULT_BLOBS, Settings

_OBJECT_STORE_SCHEME = "s3://"


def open_blob_store(url: str) -> BlobStore:
    """The store at a URL, or in a folder; raises OperatorError if a package for it is missing."""
    if not url.startswith(_OBJECT_STORE_SCHEME):
        return FolderBlobs(Path(url))
    try:
        from infra.blobs.object_store import ObjectStoreBlobs  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise OperatorError(f"TASKLEDGER_BLOBS names {url}, which needs `pip install 'taskledger[s3]'`.") from error
    return ObjectStoreBlobs(url)


def require_blob_store(settings: Settings) -> None:
    """Raise OperatorError unless attachments can be stored; an object store may be away when a process starts.

    A folder that is named must exist: one that is missing may be a disk that is not mounted.
    """
    store = open_blob_store(settings.blobs)
    if not isinstance(store, FolderBlobs):
        return
    if settings.data and Path(settings.blobs) == Path(settings.data).absolute() / DEFAULT_BLOBS:
        store.create()
    store.check()
