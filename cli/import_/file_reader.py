"""Reads the file to import as text: gzip is unpacked, zip refused, encoding and size are checked."""

import gzip
import zlib
from pathlib import Path

from cli.import_.zip_archive import refuse_zip_archive
from infra.errors import OperatorError

MAX_FILE_BYTES = 200_000_000
"""The largest file after unpacking: a few kilobytes of gzip can hold terabytes."""

_GZIP_MAGIC = b"\x1f\x8b"
_UTF_16_BOMS = (b"\xff\xfe", b"\xfe\xff")


def read_text(path: Path, max_bytes: int = MAX_FILE_BYTES) -> str:
    """The file as text, unpacked if its content is gzip; raises OperatorError.

    A byte that is not UTF-8 becomes a lone surrogate (PEP 383): in JSON Lines it costs its line only.
    """
    try:
        data = _read_unpacked(path, max_bytes + 1)
        refuse_zip_archive(path, data[:4], max_bytes)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise OperatorError(f"{path} is gzip, but damaged or cut off: copy or download it again.") from error
    except OSError as error:
        raise OperatorError(f"Cannot read {path}: {error.strerror}.") from error
    if len(data) > max_bytes:
        raise OperatorError(f"{path} holds more than {max_bytes:,} bytes: split it.")
    return _decode_utf8(path, data)


def _read_unpacked(path: Path, max_bytes: int) -> bytes:
    with path.open("rb") as file:
        if file.peek(2).startswith(_GZIP_MAGIC):
            with gzip.open(file) as unpacked:
                return unpacked.read(max_bytes)
        return file.read(max_bytes)


def _decode_utf8(path: Path, data: bytes) -> str:
    if data.startswith(_UTF_16_BOMS) or b"\0" in data[:4]:
        raise OperatorError(f"{path} is UTF-16 or not text: save it as UTF-8.")
    text = data.decode("utf-8-sig", "surrogateescape")
    if not text.strip():
        raise OperatorError(f"{path} is empty")
    return text
