"""A zip archive in the place of a file to import: what to do with it, in one line."""

import struct
import zipfile
import zlib
from lzma import LZMAError
from pathlib import Path

from infra.errors import OperatorError

_MAGICS = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
_DAMAGES = (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, struct.error, OverflowError, LZMAError)
_OTHER_KINDS = (RuntimeError, NotImplementedError)
"""An archive with a password, or compressed in a way that this reader does not know."""


def refuse_zip_archive(path: Path, start: bytes, max_bytes: int) -> None:
    """Raise OperatorError if the file is an archive, whole or damaged; one of more than `max_bytes` is not read."""
    if start.startswith(_MAGICS) or zipfile.is_zipfile(path):
        raise OperatorError(f"{path} is a zip archive{_advice(path, max_bytes)}")


def _advice(path: Path, max_bytes: int) -> str:
    try:
        with zipfile.ZipFile(path) as archive:
            if not archive.namelist():
                return " without a file in it."
            size = sum(one.file_size for one in archive.infolist())
            is_damaged = size <= max_bytes and archive.testzip() is not None
    except _DAMAGES:
        is_damaged = True
    except _OTHER_KINDS:
        is_damaged = False
    if is_damaged:
        return ", but damaged: export or download it again."
    return ": unpack it, and import the JSON file with the tasks in it."
