"""`taskledger serve`: everything of one instance, started in order, kept running, stopped in order."""

import contextlib
import os
import socket
import tempfile
import time
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path

import click
import msgspec

from cli import children, options
from cli.children import OwnCommand
from infra import settings
from infra.embedded.postgres import APPLICATION_ROLE, Postgres
from infra.embedded.valkey import BROKER_CONFIG, CACHE_CONFIG, Valkey
from infra.errors import OperatorError
from infra.processes import data_directory, ports
from infra.processes.child import stop
from infra.processes.pids import current_process
from infra.processes.supervised import Program, SupervisedProcess
from infra.processes.supervisor import StopRequested, Supervisor
from infra.settings import ENVIRONMENT_PREFIX

# Together under ten seconds, the time that containers give by default.
FOR_REQUESTS = 6.0
FOR_SERVERS = 3.0
FOR_START = 60.0
FOR_MIGRATIONS = 3600.0
LONG = 5.0


class Wishes(msgspec.Struct, frozen=True):
    """What the command line asked for."""

    data: Path
    host: str
    port: int
    api: int
    workers: int
    demo: bool


@click.command(context_settings={"show_default": True})
@options.data
@click.option("--port", type=click.IntRange(0, 65535), default=8000, help="The port to listen on; 0 takes a free one.")
@click.option("--host", default="127.0.0.1", help="The address to listen on; 0.0.0.0 is everybody's.")
@click.option("--api", type=click.IntRange(1), default=1, metavar="N", help="How many API processes.")
@click.option("--workers", type=click.IntRange(1), default=1, metavar="N", help="How many workers.")
@click.option("--demo", is_flag=True, help="Fill an empty instance with something to look at.")
def command(data: Path, host: str, port: int, api: int, workers: int, demo: bool) -> None:  # noqa: FBT001, PLR0917 - click calls it by name
    """Start Taskledger and keep it running until Ctrl-C."""
    wishes = Wishes(data, host, port, api, workers, demo)
    with data_directory.exclusive_lock(data), ports.open_listener(host, port, _patience(wishes)) as listener:
        Serving(wishes, listener).until_asked_to_stop()


class Serving:
    """One run of one instance."""

    def __init__(self, wishes: Wishes, listener: socket.socket) -> None:
        """The data directory is held and the port is bound; nothing is started yet."""
        self.wishes = wishes
        self.listener = listener
        self.address = ports.listener_url(listener)
        self.supervisor = Supervisor()
        self.servers: list[SupervisedProcess] = []
        self.commands: list[SupervisedProcess] = []

    def until_asked_to_stop(self) -> None:
        """Returns when all is gone; an OperatorError says why it did not come up."""
        with self.supervisor.handle_signals():
            try:
                self._start()
                self.supervisor.run_forever()
            except StopRequested:
                say("Stopping.")
            finally:
                self._stop()
        self.supervisor.close()
        say(f"Stopped. Everything is kept in {self.wishes.data}.")

    def _start(self) -> None:
        began = time.monotonic()
        data = self.wishes.data
        say(f"Taskledger {version('taskledger')}, data in {data}")
        self._start_servers()
        code, words = self._ask(
            "migrate", FOR_MIGRATIONS, "Bringing the database up to date: a long log takes a while."
        )
        if code:
            raise OperatorError(_complaint(words))
        self._start_commands()
        say(f"Ready after {time.monotonic() - began:.1f} s at {self.address}  (Ctrl-C stops it)")
        if self.wishes.demo:
            code, words = self._ask("demo", FOR_START)
            say(words)

    def _start_servers(self) -> None:
        data, named = self.wishes.data, settings.from_environment()
        data_directory.ensure_secrets(data)
        if not (data / "postgres").exists() and "database_url" not in named:
            say("First start: making the database.")
        ours = {field: server for field, server in embedded(data).items() if field not in named}
        self._tend(self.servers, ours.values())
        me, found = current_process(), urls(data, ours)
        data_directory.write_run_info(
            data,
            data_directory.RunInfo(
                me.pid, me.started, self.address, format=data_directory.DATA_FORMAT_VERSION, **found
            ),
        )
        if ours:
            say("On 127.0.0.1: " + ", ".join(f"{server.name} {server.port}" for server in ours.values()))

    def _start_commands(self) -> None:
        data, fd = self.wishes.data, self.listener.fileno()
        os.environ.setdefault(f"{ENVIRONMENT_PREFIX}PARTITIONS", str(self.wishes.workers))  # one for each worker
        health = f"{self.address}/health/ready"
        api = [
            OwnCommand(name, ["api", "--data", data, "--fd", str(fd)], [fd], health)
            for name in _names("API", self.wishes.api)
        ]
        workers = [OwnCommand(name, ["worker", "--data", data]) for name in _names("Worker", self.wishes.workers)]
        self._tend(self.commands, [*api, *workers])

    def _tend(self, group: list[SupervisedProcess], programs: Iterable[Program]) -> None:
        """Started together, and all of them ready."""
        group += [SupervisedProcess(program, say) for program in programs]
        self.supervisor.processes += group
        if not self.supervisor.run_until(lambda: all(ward.is_ready for ward in group), FOR_START):
            late = ", ".join(ward.program.name for ward in group if not ward.is_ready)
            raise OperatorError(f"Not ready after {FOR_START:.0f} s: {late}.")

    def _ask(self, name: str, within: float, where_it_takes_long: str = "") -> tuple[int, str]:
        """Exit code and words of one of our commands."""
        with tempfile.TemporaryFile() as output:
            child = children.run([name, "--data", self.wishes.data], output)
            try:
                if not self.supervisor.run_until(lambda: child.poll() is not None, LONG) and where_it_takes_long:
                    say(where_it_takes_long)
                self.supervisor.run_until(lambda: child.poll() is not None, within)
            finally:
                stop([child], FOR_REQUESTS)
            output.seek(0)
            return child.returncode, output.read().decode(errors="replace").strip()

    def _stop(self) -> None:
        self.listener.close()  # or the kernel would go on accepting for nobody
        data_directory.remove_run_info(self.wishes.data)
        self.supervisor.stop(self.commands, FOR_REQUESTS)
        self.supervisor.stop(self.servers, FOR_SERVERS)


def embedded(data: Path) -> dict[str, Postgres | Valkey]:
    """The servers that we bring, by the setting that names another one instead."""
    password = data_directory.read_secret(data, "valkey-password")
    return {
        "broker_url": Valkey("Broker", data / "broker", password, BROKER_CONFIG),
        "redis_url": Valkey("Cache", data / "cache", password, CACHE_CONFIG),
        "database_url": Postgres(data / "postgres", data / "secrets" / "postgres-password"),
    }


def urls(data: Path, servers: dict[str, Postgres | Valkey]) -> dict[str, str]:
    """What run.json says of them; the owner's is for migrations only."""
    found = {field: server.url for field, server in servers.items()}
    if isinstance(postgres := servers.get("database_url"), Postgres):
        found["migration_url"] = postgres.url
        found["database_url"] = postgres.url_as(
            APPLICATION_ROLE, data_directory.read_secret(data, "application-password")
        )
    return found


def say(line: str) -> None:
    """To whoever started us, if they are still listening."""
    with contextlib.suppress(OSError):
        click.echo(line)


def _complaint(words: str) -> str:
    """The last line of it as our own; what stands before, a traceback perhaps, goes to standard error."""
    before, _, last = words.rpartition("\n")
    click.echo(before, err=True, nl=bool(before))
    return last.removeprefix("taskledger: ") or "The database cannot be brought up to date."


def _names(what: str, count: int) -> list[str]:
    return [f"{what} {number}" for number in range(1, count + 1)] if count > 1 else [what]


def _patience(wishes: Wishes) -> float:
    """A killed predecessor's API may still be answering its last requests on our port."""
    with contextlib.suppress(OperatorError):
        last = data_directory.read_run_info(wishes.data)
        if last is not None and last.address.endswith(f":{wishes.port}"):
            return FOR_REQUESTS + FOR_SERVERS
    return 0
