"""An embedded PostgreSQL: one cluster in one folder, on loopback, behind a password."""

import contextlib
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from infra.embedded import binaries
from infra.errors import OperatorError
from infra.processes import ports
from infra.processes.child import Child, spawn
from infra.processes.pids import ON_LINUX, find_process, is_elsewhere, kill_stale, pid_exists, processes_in

OWNER_ROLE, APPLICATION_ROLE = "taskledger", "taskledger_app"
DATABASE = "taskledger"
MIN_BUILTIN_LOCALE_MAJOR = 17  # the first major that brings C.UTF-8 itself; those before ask the system for it
STATUS_LINE_INDEX = 7  # the eighth line of postmaster.pid


class Postgres:
    """The cluster *is* the folder; the folder may lie where only root can go, see `_place`."""

    name = "PostgreSQL"

    def __init__(self, folder: Path, password_file: Path, settings: Mapping[str, str] | None = None) -> None:
        """`settings` are server settings (`{"fsync": "off"}`) on top of ours; the password file exists already."""
        self.folder = folder
        self.password_file = password_file
        self.settings = settings or {}
        self.port = 0
        self.account = binaries.postgres_account()
        self.bin_folder = binaries.postgres_bin_folder(self.account)

    @property
    def url(self) -> str:
        """The application's database, as its owner."""
        return self.url_as(OWNER_ROLE, self.password_file.read_text().strip())

    def url_as(self, role: str, password: str) -> str:
        """The same as somebody else."""
        return f"postgresql://{role}:{password}@{ports.LOOPBACK}:{self.port}/{DATABASE}"

    @property
    def log(self) -> Path:
        """What the server says of itself; pg_basebackup takes it along, which does no harm."""
        return self.folder / "server.log"

    def prepare(self) -> None:
        """Make the cluster when there is none; OperatorError when there is one that we cannot open."""
        self.port = ports.find_free_port()
        if not self.folder.exists() or not any(self.folder.iterdir()):
            self._create_cluster()
        self._check_major_version()

    def can_start(self) -> bool:
        """Whether the server of a former run is gone; its postmaster.pid goes when it names no PostgreSQL."""
        lock_file = self.folder / "postmaster.pid"
        lines = _read_lines(lock_file)
        if lines and lines[0].isdecimal():
            pid = int(lines[0])
            process = find_process(pid)
            if process is not None and process.name == "postgres" and not is_elsewhere(pid, self.folder):
                return False
            if pid_exists(pid) and not processes_in(self.folder, "postgres"):
                lock_file.unlink()  # a zombie or a reused pid, which PostgreSQL itself would take for a living server
        return not processes_in(self.folder, "postgres")

    def kill_stale(self) -> None:
        """Kill the server of a former run; a kill loses nothing that was committed."""
        kill_stale(self.folder, "postgres")

    def spawn(self) -> Child:
        """Start the server on the present port."""
        options = {
            "listen_addresses": ports.LOOPBACK,
            "port": str(self.port),
            "unix_socket_directories": "",
            **self.settings,
        }
        switches = [f"--{name}={value}" for name, value in options.items()]
        with self.log.open("ab") as log:
            return spawn(
                [self.bin_folder / "postgres", "-D", _accessible_path(self.folder), *switches],
                stop_signal=signal.SIGINT,  # fast shutdown: roll back, checkpoint, leave
                account=self.account,
                cwd=self.folder,
                env=SERVER_ENVIRONMENT,
                log=log,
            )

    def is_ready(self, child: Child) -> bool:
        """The server's own word for it, and not the word of one that was here before."""
        lines = _read_lines(self.folder / "postmaster.pid")
        return (
            len(lines) > STATUS_LINE_INDEX
            and lines[0] == str(child.pid)
            and lines[STATUS_LINE_INDEX].strip() == "ready"
        )

    def _create_cluster(self) -> None:
        """Made beside its place and moved there complete, so that a kill in between leaves no half a cluster."""
        new = self.folder.with_name(f"{self.folder.name}.new")
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(mode=0o700)
        if self.account:
            os.chown(new, self.account.pw_uid, self.account.pw_gid)
        with self._readable_password_file() as (path, fds):
            provider = ["--locale-provider=builtin"] if self._major_version() >= MIN_BUILTIN_LOCALE_MAJOR else []
            locale = ["--encoding=UTF8", *provider, "--locale=C.UTF-8"]
            access = [f"--username={OWNER_ROLE}", "--auth=scram-sha-256", f"--pwfile={path}"]
            self._run_program(new, ["initdb", "-D", _accessible_path(new), *locale, *access], pass_fds=fds)
        statement = f"create database {DATABASE};\n".encode()
        self._run_program(new, ["postgres", "--single", "-D", _accessible_path(new), "postgres"], statement)
        new.rename(self.folder)
        _fsync_folder(self.folder.parent)

    @contextlib.contextmanager
    def _readable_password_file(self) -> Iterator[tuple[Path, Sequence[int]]]:
        """A path under which initdb finds the password: its file, or a pipe where that account may not read it."""
        if self.account is None:
            yield self.password_file, ()
            return
        reading, writing = os.pipe()
        os.fchown(reading, self.account.pw_uid, self.account.pw_gid)
        with os.fdopen(reading), os.fdopen(writing, "wb") as pipe:
            pipe.write(self.password_file.read_bytes())
            pipe.close()
            yield Path(f"/dev/fd/{reading}"), (reading,)

    def _run_program(self, folder: Path, argv: Sequence[str], stdin: bytes = b"", pass_fds: Sequence[int] = ()) -> None:
        result = subprocess.run(
            [self.bin_folder / argv[0], *argv[1:]],
            cwd=folder,
            env=SERVER_ENVIRONMENT,
            input=stdin,
            capture_output=True,
            check=False,
            pass_fds=pass_fds,
            user=self.account.pw_uid if self.account else None,
            group=self.account.pw_gid if self.account else None,
            extra_groups=[] if self.account else None,
        )
        complaint = re.search(rb"(?:FATAL|ERROR|PANIC|error): +(.*)", result.stderr)
        if result.returncode or complaint:
            why = (complaint[1] if complaint else result.stderr[-300:]).decode(errors="replace")
            raise OperatorError(f"{argv[0]} cannot make a cluster in {self.folder}: {' '.join(why.split())}")

    def _check_major_version(self) -> None:
        version_lines = _read_lines(self.folder / "PG_VERSION")
        if not version_lines:
            raise OperatorError(f"{self.folder} holds files but no PostgreSQL cluster: move them away.")
        if version_lines[0] != str(ours := self._major_version()):
            raise OperatorError(OTHER_MAJOR_TEXT.format(folder=self.folder, found=version_lines[0], ours=ours))

    def _major_version(self) -> int:
        version = subprocess.run(
            [self.bin_folder / "postgres", "--version"], capture_output=True, text=True, check=True
        )
        return int(version.stdout.split()[2].partition(".")[0])


# Nothing of the operator's environment (PGDATA, PGOPTIONS, LD_PRELOAD) reaches the server.
SERVER_ENVIRONMENT = {"LC_ALL": "C", "TZ": "UTC", "PATH": os.defpath}
OTHER_MAJOR_TEXT = (
    "{folder} was made by PostgreSQL {found}, this is {ours}. To carry it over: serve it with the Taskledger that made "
    "it and run `pg_dump --clean --if-exists -f all.sql URL` (URL is migration_url in run.json), move {folder} away, "
    "serve with this one and run `psql -f all.sql URL`."
)


def _accessible_path(folder: Path) -> str:
    # An unprivileged account may stand in a folder below one that it cannot enter, but not name it by path.
    return "/proc/self/cwd" if ON_LINUX else str(folder)


def _read_lines(path: Path) -> list[str]:
    try:
        return path.read_text().splitlines()
    except OSError:
        return []


def _fsync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)
