"""An embedded Valkey: the broker, which forgets nothing, or the cache, which may forget anything."""

import contextlib
import os
import socket
from pathlib import Path

from infra.embedded import binaries
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


class Valkey:
    """One server whose folder is its working directory; `role` is the part of the configuration that differs."""

    def __init__(self, name: str, folder: Path, password: str, role_config: str) -> None:
        """`name` is what people read; the folder is made when missing."""
        self.name = name
        self.folder = folder
        self.password = password
        self.role_config = role_config
        self.port = 0

    @property
    def url(self) -> str:
        """Database 0, as redis-py reads it."""
        return f"redis://:{self.password}@{ports.LOOPBACK}:{self.port}/0"

    @property
    def log(self) -> Path:
        """What the server says of itself."""
        return self.folder / "server.log"

    def prepare(self) -> None:
        """Make the folder; nothing else must last from one start to the next but the broker's own files."""
        self.port = ports.find_free_port()
        self.folder.mkdir(mode=0o700, exist_ok=True)

    def can_start(self) -> bool:
        """Whether the server of a former run is gone."""
        return not processes_in(self.folder, "valkey-server")

    def kill_stale(self) -> None:
        """Kill the server of a former run."""
        kill_stale(self.folder, "valkey-server")

    def spawn(self) -> Child:
        """Start the program on the present port; the password goes by file, never on a command line."""
        config = self.folder / "valkey.conf"
        config.unlink(missing_ok=True)
        with os.fdopen(os.open(config, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(self._config_text())
        with self.log.open("ab") as log:
            return spawn([binaries.valkey_server_path(), config.name], cwd=self.folder, env={"LC_ALL": "C"}, log=log)

    def is_ready(self, child: Child) -> bool:
        """A PONG to our password: also proof that the port is not a stranger's."""
        del child
        with (
            contextlib.suppress(OSError),
            socket.create_connection((ports.LOOPBACK, self.port), timeout=1) as connection,
        ):
            connection.sendall(f"AUTH {self.password}\r\nPING\r\n".encode())
            return connection.makefile("rb").read(12) == b"+OK\r\n+PONG\r\n"
        return False

    def _config_text(self) -> str:
        return f"""\
bind {ports.LOOPBACK}
port {self.port}
requirepass {self.password}
daemonize no
save ""
{self.role_config}"""
