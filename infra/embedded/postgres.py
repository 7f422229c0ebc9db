"""An embedded PostgreSQL: one cluster in one folder, on loopback, behind a password."""

import contextlib
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from infra.embedded import binaries, cluster_damage
from infra.errors import OperatorError
from infra.processes import ports
from infra.processes.child import Child, spawn
from infra.processes.pids import ON_LINUX, find_process, is_elsewhere, kill_stale, pid_exists, processes_in

OWNER_ROLE, APPLICATION_ROLE = "taskledger", "taskledger_app"
DATABASE = "taskledger"
MIN_BUILTIN_LOCALE_MAJOR = 17  # older majors take C.UTF-8 from the system
STATUS_LINE_INDEX = 7  # the eighth line of postmaster.pid


class Postgres:
    """One cluster in `folder`, which only root may be able to reach: see `_accessible_path`."""

    name = "PostgreSQL"

    def __init__(self, folder: Path, password_file: Path, settings: Mapping[str, str] | None = None) -> None:
        """`settings` are server settings (`{"fsync": "off"}`) added to ours; the password file must exist."""
        self.folder = folder
        self.password_file = password_file
        self.settings = settings or {}
        self.port = 0
        self._log_start = 0
        self.account = binaries.postgres_account()
        self.bin_folder = binaries.postgres_bin_folder(self.account)

    @property
    def url(self) -> str:
        """The application's database, as its owner."""
        return self.url_as(OWNER_ROLE, self.password_file.read_text().strip())

    def url_as(self, role: str, password: str) -> str:
        """The application's database, as another role."""
        return f"postgresql://{role}:{password}@{ports.LOOPBACK}:{self.port}/{DATABASE}"

    @property
    def log(self) -> Path:
        """The server's log file; pg_basebackup copies it too, which is harmless."""
        return self.folder / "server.log"

    def prepare(self) -> None:
        """Create the cluster if there is none; raises OperatorError for one that we cannot open."""
        self.port = ports.find_free_port()
        if not self.folder.exists() or not any(self.folder.iterdir()):
            self._create_cluster()
        self._check_major_version()

    def can_start(self) -> bool:
        """Whether the server of a former run is gone; removes a postmaster.pid that names none."""
        lock_file = self.folder / "postmaster.pid"
        lines = _read_lines(lock_file)
        if lock_file.exists() and not (lines and lines[0].isdecimal()) and not processes_in(self.folder, "postgres"):
            lock_file.unlink()  # a crash left it empty or garbled, and PostgreSQL would refuse to start
        if lines and lines[0].isdecimal():
            pid = int(lines[0])
            process = find_process(pid)
            if process is not None and process.name == "postgres" and not is_elsewhere(pid, self.folder):
                return False
            if pid_exists(pid) and not processes_in(self.folder, "postgres"):
                lock_file.unlink()  # a zombie or reused pid, which PostgreSQL would take for a live server
        return not processes_in(self.folder, "postgres")

    def kill_stale(self) -> None:
        """Kill the server of a former run; committed data is not lost."""
        kill_stale(self.folder, "postgres")

    def spawn(self) -> Child:
        """Start the server on the current port."""
        options = {
            "listen_addresses": ports.LOOPBACK,
            "port": str(self.port),
            "unix_socket_directories": "",
            **self.settings,
        }
        switches = [f"--{name}={value}" for name, value in options.items()]
        with self.log.open("ab") as log:
            self._log_start = log.tell()
            return spawn(
                [self.bin_folder / "postgres", "-D", _accessible_path(self.folder), *switches],
                stop_signal=signal.SIGINT,  # fast shutdown: roll back, checkpoint, exit
                account=self.account,
                cwd=self.folder,
                env=SERVER_ENVIRONMENT,
                log=log,
            )

    def is_ready(self, child: Child) -> bool:
        """Whether postmaster.pid reports this child, not a former server, as ready."""
        lines = _read_lines(self.folder / "postmaster.pid")
        return (
            len(lines) > STATUS_LINE_INDEX
            and lines[0] == str(child.pid)
            and lines[STATUS_LINE_INDEX].strip() == "ready"
        )

    def diagnosis(self) -> str:
        """What the output of the last start says about damage, and what to do."""
        output = self.log.read_bytes()[self._log_start :].decode(errors="replace")
        return cluster_damage.diagnosis(output, self.folder)

    def _create_cluster(self) -> None:
        """Creates the cluster in a sibling folder and renames it, so that a kill leaves no partial cluster."""
        new = self.folder.with_name(f"{self.folder.name}.new")
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(mode=0o700)
        if self.account:
            os.chown(new, self.account.pw_uid, self.account.pw_gid)
        with self._readable_password_file() as (path, fds):
            provider = ["--locale-provider=builtin"] if self.major_version() >= MIN_BUILTIN_LOCALE_MAJOR else []
            locale = ["--encoding=UTF8", *provider, "--locale=C.UTF-8"]
            access = [f"--username={OWNER_ROLE}", "--auth=scram-sha-256", f"--pwfile={path}"]
            self._run_program(new, ["initdb", "-D", _accessible_path(new), *locale, *access], pass_fds=fds)
        statement = f"create database {DATABASE};\n".encode()
        self._run_program(new, ["postgres", "--single", "-D", _accessible_path(new), "postgres"], statement)
        new.rename(self.folder)
        _fsync_folder(self.folder.parent)

    @contextlib.contextmanager
    def _readable_password_file(self) -> Iterator[tuple[Path, Sequence[int]]]:
        """A path where initdb reads the password: its file, or a pipe if the account cannot read the file."""
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
            raise OperatorError(f"{argv[0]} cannot create a cluster in {self.folder}: {' '.join(why.split())}")

    def _check_major_version(self) -> None:
        """Raises OperatorError for another major version; repairs PG_VERSION, which every database has a copy of."""
        file, ours = self.folder / "PG_VERSION", str(self.major_version())
        lines, copied_lines = _read_lines(file), _read_lines(self.folder / "base" / "1" / "PG_VERSION")
        if not (lines or copied_lines):
            raise OperatorError(f"{self.folder} contains files but no PostgreSQL cluster: move them away.")
        if (found := (copied_lines or lines)[0]) != ours:
            raise OperatorError(OTHER_MAJOR_TEXT.format(folder=self.folder, found=found, ours=ours))
        if lines != [ours]:
            file.write_text(f"{ours}\n")
            if self.account:
                os.chown(file, self.account.pw_uid, self.account.pw_gid)

    def major_version(self) -> int:
        """The major version of the programs."""
        version = subprocess.run(
            [self.bin_folder / "postgres", "--version"], capture_output=True, text=True, check=True
        )
        return int(version.stdout.split()[2].partition(".")[0])


# The server does not inherit the operator's environment (PGDATA, PGOPTIONS, LD_PRELOAD).
SERVER_ENVIRONMENT = {"LC_ALL": "C", "TZ": "UTC", "PATH": os.defpath}
OTHER_MAJOR_TEXT = (
    "{folder} was created by PostgreSQL {found}, this is {ours}. To migrate: serve it with the Taskledger that created "
    "it and run `pg_dump --clean --if-exists -f all.sql URL` (URL is migration_url in run.json), move {folder} away, "
    "serve with this one and run `psql -f all.sql URL`."
)


def _accessible_path(folder: Path) -> str:
    # An unprivileged account can run in a folder below one that it cannot enter, but cannot open it by path.
    return "/proc/self/cwd" if ON_LINUX else str(folder)


def _read_lines(path: Path) -> list[str]:
    try:
        return path.read_text(errors="replace").splitlines()
    except OSError:
        return []


def _fsync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)
