"""An embedded Valkey: the broker, which never evicts, or the cache, which may evict anything."""

import contextlib
import os
import re
import shutil
import socket
from pathlib import Path

from infra.embedded import binaries
from infra.logs import logger
from infra.processes import ports
from infra.processes.child import Child, spawn
from infra.processes.pids import kill_stale, processes_in

BROKER_CONFIG = """\
appendonly yes
appendfsync everysec
maxmemory-policy noeviction
"""
CACHE_CONFIG = """\
appendonly no
maxmemory 256mb
maxmemory-policy allkeys-lru
"""


_UNREADABLE_DATA = re.compile(
    rb"AOF MANIFEST FILE ERROR|AOF manifest|reading the append only file|Unable to obtain the AOF file"
)
"""What Valkey logs before it exits because of its append-only files."""


class Valkey:
    """One server; `folder` is its working directory, `role_config` the configuration of a broker or cache."""

    def __init__(self, name: str, folder: Path, password: str, role_config: str) -> None:
        """`name` is the display name; the folder is created if missing."""
        self.name = name
        self.folder = folder
        self.password = password
        self.role_config = role_config
        self.port = 0
        self._log_start = 0

    @property
    def url(self) -> str:
        """The redis-py URL of database 0."""
        return f"redis://:{self.password}@{ports.LOOPBACK}:{self.port}/0"

    @property
    def log(self) -> Path:
        """The server's log file."""
        return self.folder / "server.log"

    def prepare(self) -> None:
        """Pick a port and create the folder; only the broker's data files persist between starts."""
        self.port = ports.find_free_port()
        self.folder.mkdir(mode=0o700, exist_ok=True)

    def can_start(self) -> bool:
        """Whether the server of a former run is gone."""
        return not processes_in(self.folder, "valkey-server")

    def kill_stale(self) -> None:
        """Kill the server of a former run."""
        kill_stale(self.folder, "valkey-server")

    def spawn(self) -> Child:
        """Start the server on the current port; the password goes in a file, never on the command line."""
        self._set_aside_unreadable_data()
        config = self.folder / "valkey.conf"
        config.unlink(missing_ok=True)
        with os.fdopen(os.open(config, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(self._config_text())
        with self.log.open("ab") as log:
            return spawn([binaries.valkey_server_path(), config.name], cwd=self.folder, env={"LC_ALL": "C"}, log=log)

    def is_ready(self, child: Child) -> bool:
        """Whether it accepts our password and answers PONG, which proves that the port is not another program's."""
        del child
        with (
            contextlib.suppress(OSError),
            socket.create_connection((ports.LOOPBACK, self.port), timeout=1) as connection,
        ):
            connection.sendall(f"AUTH {self.password}\r\nPING\r\n".encode())
            return connection.makefile("rb").read(12) == b"+OK\r\n+PONG\r\n"
        return False

    def diagnosis(self) -> str:
        """Nothing: data that it cannot read are set aside."""
        return ""

    def _set_aside_unreadable_data(self) -> None:
        """Rename data files that the last start failed to read: a crash broke them, and hints are not worth a stop."""
        lines = self.log.read_bytes()[self._log_start :] if self.log.exists() else b""
        self._log_start += len(lines)
        data = self.folder / "appendonlydir"
        if data.exists() and _UNREADABLE_DATA.search(lines):
            aside = data.with_suffix(".unreadable")
            shutil.rmtree(aside, ignore_errors=True)
            data.rename(aside)
            logger.warning("{} could not read its data, and starts empty; they are kept in {}", self.name, aside)

    def _config_text(self) -> str:
        return f"""\
bind {ports.LOOPBACK}
port {self.port}
requirepass {self.password}
daemonize no
save ""
{self.role_config}"""
