"""The servers of an instance, and only those Taskledger processes that a scenario needs."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct
from psycopg import Connection
from psycopg.rows import TupleRow
from psycopg.sql import SQL, Identifier

from bench.harness.durability import require_durable
from bench.harness.processes import start_command, wait_until
from cli.serve import embedded_servers, server_urls
from cli.subcommand_process import answers_200
from infra.database.connections import connect
from infra.embedded.postgres import DATABASE
from infra.processes import data_directory, ports
from infra.processes.pids import current_process
from infra.processes.supervised import SupervisedProcess
from infra.processes.supervisor import Supervisor

MAX_START_S, MAX_STOP_S = 60.0, 5.0


class EmbeddedServers(Struct, frozen=True):
    """The data folder of the servers, the owner's URL and connection, and the first process of each server."""

    data: Path
    owner_url: str
    connection: Connection[TupleRow]
    pids: dict[str, int]

    def run_command(self, *arguments: str) -> None:
        """Run a Taskledger command until it ends; raises RuntimeError if it fails."""
        with start_command(self.data, *arguments) as child:
            if child.wait():
                raise RuntimeError(f"The command failed: {child.args!r}")


class ApiProcess(Struct, frozen=True):
    """The address of an API process, and its number."""

    address: str
    pid: int


@contextlib.contextmanager
def start_servers(data: Path) -> Iterator[EmbeddedServers]:
    """Start durable servers in a new folder, where every Taskledger command finds them; raises NotDurable."""
    data.mkdir(mode=0o700)
    data_directory.ensure_secrets(data)
    programs = embedded_servers(data)
    supervisor, supervised = Supervisor(), [SupervisedProcess(program, print) for program in programs.values()]
    supervisor.processes = list(supervised)
    with contextlib.ExitStack() as ending:
        ending.callback(supervisor.close)
        ending.callback(supervisor.stop, supervised, MAX_STOP_S)
        if not supervisor.run_until(lambda: all(ward.is_ready for ward in supervised), MAX_START_S):
            raise RuntimeError("The servers did not start.")
        me, places = current_process(), server_urls(data, programs)
        data_directory.write_run_info(
            data,
            data_directory.RunInfo(
                me.pid, me.started, "", metrics_port=None, format=data_directory.DATA_FORMAT_VERSION, **places
            ),
        )
        connection = ending.enter_context(connect(places["migration_url"], "bench"))
        require_durable(connection)
        pids = {each.program.name: each.child.pid for each in supervised if each.child}
        yield EmbeddedServers(data, places["migration_url"], connection, pids)


@contextlib.contextmanager
def start_api(data: Path) -> Iterator[ApiProcess]:
    """Start an API process."""
    with ports.open_listener(ports.LOOPBACK, 0) as listener:
        descriptor, address = listener.fileno(), ports.listener_url(listener)
        with start_command(data, "api", "--fd", str(descriptor), pass_fds=[descriptor]) as child:
            wait_until(child, lambda: answers_200(f"{address}/health/ready"))
            yield ApiProcess(address, child.pid)


def create_database(connection: Connection[TupleRow], owner_url: str, name: str) -> str:
    """Create another database on the same server and return its URL; raises NotDurable."""
    connection.execute(SQL("create database {}").format(Identifier(name)))
    url = owner_url.removesuffix(DATABASE) + name
    with connect(url) as fresh:
        require_durable(fresh)
    return url
