"""The data directory of one instance: its lock, secrets, format, and run.json for finding what runs in it."""

import contextlib
import fcntl
import math
import os
import re
import secrets
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec

from infra.errors import OperatorError
from infra.processes.pids import find_process
from infra.processes.unusable_files import advice

SECRET_BYTES = 32
DATA_FORMAT_VERSION = 1  # of the data directory as a whole; newer ones are refused, older ones are upgraded
JWT_KEY_NAME, PREVIOUS_JWT_KEY_NAME = "jwt-key", "jwt-key.previous"
ADDRESS_KEY_NAME = "address-key"
SECRET_NAMES = ("postgres-password", "application-password", "valkey-password", JWT_KEY_NAME, ADDRESS_KEY_NAME)
"""The secrets that every instance has; the previous signing key exists once the key was rotated."""
_KEY, _PASSWORD = re.compile(rb"[!-~]+"), re.compile(rb"[\w.~-]+")
"""A password is part of URLs and configuration files."""


class RunInfo(msgspec.Struct, frozen=True):
    """The contents of run.json, by which other commands find a running `serve`; redis_url is the cache.

    It holds embedded servers only: URLs of external servers, with their passwords, are not written down.
    """

    pid: int
    started: str
    address: str
    database_url: str = ""
    redis_url: str = ""
    broker_url: str = ""
    migration_url: str = ""
    metrics_port: int | None = None
    format: int = DATA_FORMAT_VERSION


@contextlib.contextmanager
def exclusive_lock(data: Path) -> Iterator[None]:
    """Locks the directory, created if missing; the kernel releases the lock when we die."""
    file = data / "lock"
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        if file.is_dir() or file.is_symlink():
            raise OperatorError(advice(file, error)) from error
        raise OperatorError(
            f"Cannot keep data in {data}: {error.strerror}. Choose another folder with --data."
        ) from error
    with os.fdopen(descriptor, "r+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise OperatorError(
                f"{data} is in use by process {_lock_owner(data)}: stop it first, or choose another --data."
            ) from None
        lock.truncate()
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        _check_format(data)
        yield


def ensure_secrets(data: Path) -> None:
    """Create missing secrets, in a folder that only our account can enter; those that a crash broke, too."""
    folder = data / "secrets"
    if (data / "postgres").exists() and not _is_intact(folder / "postgres-password"):
        raise OperatorError(
            f"{folder}/postgres-password is missing or damaged but {data}/postgres needs it: restore it from a backup."
        )
    folder.mkdir(mode=0o700, exist_ok=True)
    folder.chmod(0o700)
    for name in SECRET_NAMES:
        if not _is_intact(folder / name):
            _write_secret(data, name, secrets.token_hex(SECRET_BYTES))
        (folder / name).chmod(0o600)


def _is_intact(secret: Path) -> bool:
    form = _KEY if secret.name in {JWT_KEY_NAME, ADDRESS_KEY_NAME} else _PASSWORD
    return secret.exists() and bool(form.fullmatch(secret.read_bytes().strip()))


def rotate_jwt_key(data: Path, *, keep_old: bool) -> None:
    """Replace the signing key, and keep the old one to verify with, or no previous one at all.

    A crash in between leaves one key under both names.
    """
    if keep_old:
        _write_secret(data, PREVIOUS_JWT_KEY_NAME, read_secret(data, JWT_KEY_NAME))
    else:
        (data / "secrets" / PREVIOUS_JWT_KEY_NAME).unlink(missing_ok=True)
    _write_secret(data, JWT_KEY_NAME, secrets.token_hex(SECRET_BYTES))


def secret_age_s(data: Path, name: str) -> float:
    """Seconds since a secret was written; infinite if there is none."""
    try:
        return time.time() - (data / "secrets" / name).stat().st_mtime
    except OSError:
        return math.inf


def has_secret(data: Path, name: str) -> bool:
    """Whether there is a file for this secret, whatever it holds."""
    return (data / "secrets" / name).exists()


def read_secret(data: Path, name: str) -> str:
    """A secret by the name of its file; raises OperatorError if it cannot be read."""
    try:
        return (data / "secrets" / name).read_text().strip()
    except OSError as error:
        raise OperatorError(advice(data / "secrets" / name, error)) from error
    except UnicodeDecodeError as error:
        raise OperatorError(f"{data}/secrets/{name} is damaged: restore it from a backup.") from error


def write_run_info(data: Path, run: RunInfo) -> None:
    """Write run.json atomically."""
    _write_atomically(data / "run.json", msgspec.json.format(msgspec.json.encode(run)).decode())


def remove_run_info(data: Path) -> None:
    """Remove run.json: nothing runs here now."""
    (data / "run.json").unlink(missing_ok=True)


def read_run_info(data: Path) -> RunInfo | None:
    """The run that run.json describes, alive or not."""
    try:
        return msgspec.json.decode((data / "run.json").read_bytes(), type=RunInfo)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise OperatorError(advice(data / "run.json", error)) from error
    except msgspec.MsgspecError as error:
        raise OperatorError(f"Cannot read {data}/run.json: {error}. Restart `taskledger serve`.") from error


def find_running(data: Path) -> RunInfo | None:
    """The run, if its process is alive; the run.json of a killed run does not count, even if its pid was reused."""
    run = read_run_info(data)
    process = find_process(run.pid) if run else None
    return run if run and process and process.started == run.started else None


def _lock_owner(data: Path) -> str:
    """The pid in the lock file; its owner writes it a moment after locking."""
    deadline = time.monotonic() + 1
    while not (pid := (data / "lock").read_text(errors="replace").strip()) and time.monotonic() < deadline:
        time.sleep(0.01)
    return pid or "(unknown)"


def _check_format(data: Path) -> None:
    file = data / "format"
    if not file.exists():
        _write_atomically(file, str(DATA_FORMAT_VERSION))
    version = file.read_text(errors="replace").strip()
    if not version.isdecimal():
        raise OperatorError(f"{file} is damaged, and must hold a number: restore it from a backup.")
    if int(version) > DATA_FORMAT_VERSION:
        newer = f"(data format {version}, this one supports {DATA_FORMAT_VERSION})"
        raise OperatorError(f"{data} was written by a newer Taskledger {newer}: upgrade, or choose another --data.")


def _write_secret(data: Path, name: str, secret: str) -> None:
    _write_atomically(data / "secrets" / name, secret)


def _write_atomically(path: Path, text: str) -> None:
    """Replace the file atomically, readable only by our account."""
    descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # 0600 from the start
    with os.fdopen(descriptor, "w") as file:
        file.write(f"{text}\n")
        file.flush()
        os.fsync(file.fileno())
    Path(temporary).replace(path)
