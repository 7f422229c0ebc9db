"""Unusable files of a data directory: what an operator is told about one that cannot be read or written."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from infra.errors import OperatorError


@contextlib.contextmanager
def operator_errors(data: Path) -> Iterator[None]:
    """Turns an error about a file in the data directory into an OperatorError of one line."""
    try:
        yield
    except OSError as error:
        path = _path_of(error)
        if path is None or not path.is_relative_to(data):
            raise
        raise OperatorError(advice(path, error)) from error


def advice(path: Path, error: OSError) -> str:
    """What is wrong with a file, and what to do about it."""
    match error:
        case IsADirectoryError():
            return f"{path} is a directory, and must be a file: move it away, or restore it from a backup."
        case NotADirectoryError() | FileExistsError():
            return f"{path} must be a directory: move it away, or restore it from a backup."
        case PermissionError():
            return f"{path} is not accessible to this account: start Taskledger as its owner, or change the owner."
    if path.is_symlink():
        return f"{path} is a link that leads nowhere ({error.strerror}): restore what it names, or remove it."
    return f"{path} cannot be used ({error.strerror}): restore it from a backup."


def _path_of(error: OSError) -> Path | None:
    """The file that an error is about: of a renaming, the new name."""
    name = error.filename2 or error.filename
    return Path(name) if isinstance(name, str | Path) else None
