"""`taskledger serve`: starts the servers, API and workers of one instance, restarts them, stops them in order."""

import contextlib
import os
import tempfile
import time
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from pathlib import Path

import click
import msgspec

from cli import options, output, subcommand_process
from cli.listeners import Listeners
from cli.subcommand_process import SubcommandProcess
from infra import production, settings
from infra.blobs.open_store import require_blob_store
from infra.database import connection_budget
from infra.embedded.postgres import APPLICATION_ROLE, Postgres
from infra.embedded.valkey import BROKER_CONFIG, CACHE_CONFIG, Valkey
from infra.errors import OperatorError
from infra.processes import data_directory, unusable_files
from infra.processes.child import stop
from infra.processes.pids import current_process
from infra.processes.start_gate import StartGate
from infra.processes.supervised import Program, SupervisedProcess
from infra.processes.supervisor import StopRequested, Supervisor
from infra.settings import ENVIRONMENT_PREFIX

# Together under ten seconds, the default grace period of containers.
REQUESTS_STOP_TIMEOUT_S = 6.0
SERVERS_STOP_TIMEOUT_S = 3.0
START_TIMEOUT_S = 60.0
MIGRATION_TIMEOUT_S = 3600.0
SLOW_NOTICE_S = 5.0


class ServeOptions(msgspec.Struct, frozen=True):
    """The options of `taskledger serve`."""

    data: Path
    host: str
    port: int
    api_processes: int
    worker_processes: int
    demo: bool


@click.command(context_settings={"show_default": True})
@options.data_option
@click.option("--port", type=click.IntRange(0, 65535), default=8000, help="The port to listen on; 0 picks a free port.")
@click.option(
    "--host", default="127.0.0.1", help="The address to listen on; 0.0.0.0 accepts connections from other machines."
)
@click.option(
    "--api",
    type=click.IntRange(1),
    default=1,
    metavar="N",
    help="The number of API processes; the first carries out the commands of all.",
)
@click.option("--workers", type=click.IntRange(1), default=1, metavar="N", help="The number of workers.")
@click.option("--demo", is_flag=True, help="Fill an empty instance with sample data.")
def command(data: Path, host: str, port: int, api: int, workers: int, demo: bool) -> None:  # noqa: FBT001, PLR0917 - click calls it by name
    """Start Taskledger and keep it running until Ctrl-C."""
    production.require_explicit_registration()
    serve_options = ServeOptions(data, host, port, api, workers, demo)
    wait_s = _port_wait_s(data, port)
    with (
        unusable_files.operator_errors(data),
        data_directory.exclusive_lock(data),
        Listeners.open(host, port, api, wait_s) as listeners,
    ):
        ServeRun(serve_options, listeners).run_until_stopped()


class ServeRun:
    """One run of an instance, from the first server started to the last one stopped."""

    def __init__(self, serve_options: ServeOptions, listeners: Listeners) -> None:
        """The caller holds the data directory's lock and has bound the ports; no process is started yet."""
        self.options = serve_options
        self.listeners = listeners
        self.supervisor = Supervisor()
        self.start_gate = StartGate()
        self.server_processes: list[SupervisedProcess] = []
        self.command_processes: list[SupervisedProcess] = []

    def run_until_stopped(self) -> None:
        """Returns when every process has ended; raises OperatorError if the instance does not start."""
        with self.supervisor.handle_signals():
            try:
                self._start()
                self.supervisor.run_forever()
            except StopRequested:
                print_line("Stopping.")
            finally:
                self._stop()
        self.supervisor.close()
        self.start_gate.close()
        print_line(f"Stopped. All data is in {self.options.data}.")

    def _start(self) -> None:
        started_at = time.monotonic()
        data = self.options.data
        print_line(f"Taskledger {version('taskledger')}, data in {data}")
        self._prepare_data()
        self._supervise(self.command_processes, self._api_programs())
        self._start_servers()
        exit_code, printed = self._run_subcommand(
            ["migrate"], MIGRATION_TIMEOUT_S, "Still updating the database schema and read models ..."
        )
        if exit_code:
            raise OperatorError(_last_error_line(printed))
        self._require_connections()
        app_settings = settings.resolve(data, needs_signing_key=True)
        production.require_safe_api(app_settings)  # before it is restarted for ever
        require_blob_store(app_settings)
        self._start_commands()
        if metrics_urls := self.listeners.metrics_urls():
            print_line("Metrics at " + ", ".join(metrics_urls))
        print_line(f"Ready after {time.monotonic() - started_at:.1f} s at {self.listeners.base_url}  (Ctrl-C stops it)")
        if self.options.demo:
            _, printed = self._run_subcommand(["demo", "--if-empty"], START_TIMEOUT_S)
            for line in printed.split("\n"):
                print_line(line)

    def _prepare_data(self) -> None:
        data, external = self.options.data, settings.from_environment()
        data_directory.ensure_secrets(data)
        if "jwt_key" not in external:
            settings.instance_signing_keys(data)  # a damaged one is reported once, not by each restarted API process
        if "address_key" not in external:
            settings.instance_address_key(data)
        if not (data / "postgres").exists() and "database_url" not in external:
            print_line("First start: creating the database.")

    def _start_servers(self) -> None:
        data, external = self.options.data, settings.from_environment()
        servers = embedded_servers(data, self._needed_connections())
        embedded = {field: server for field, server in servers.items() if field not in external}
        self._supervise(self.server_processes, embedded.values())
        self._wait_until_ready(self.server_processes)
        own_process, urls_by_setting = current_process(), server_urls(data, embedded)
        data_directory.write_run_info(
            data,
            data_directory.RunInfo(
                own_process.pid,
                own_process.started,
                self.listeners.base_url,
                metrics_port=self.listeners.metrics_port,
                format=data_directory.DATA_FORMAT_VERSION,
                **urls_by_setting,
            ),
        )
        if embedded:
            print_line("On 127.0.0.1: " + ", ".join(f"{server.name} {server.port}" for server in embedded.values()))

    def _require_connections(self) -> None:
        """Raise OperatorError if PostgreSQL allows fewer connections than all processes together may open."""
        url, is_alone = (
            settings.resolve(self.options.data).database_url,
            "database_url" not in settings.from_environment(),
        )
        connection_budget.require_connections(url, self._needed_connections(), is_alone=is_alone)

    def _needed_connections(self) -> int:
        """The most connections that all processes together may open."""
        workers = self.options.worker_processes
        partitions = int(settings.from_environment()["partitions"])  # set with the API's programs
        return connection_budget.instance_connections(self.options.api_processes, workers, max(workers, partitions))

    def _api_programs(self) -> list[SubcommandProcess]:
        """They start at once, and wait at the gate with all modules imported.

        A restarted process gets the same keys as the others, even if they were rotated meanwhile.
        """
        data, health_url = self.options.data, f"{self.listeners.base_url}/health/ready"
        os.environ.setdefault(
            f"{ENVIRONMENT_PREFIX}PARTITIONS", str(self.options.worker_processes)
        )  # one for each worker
        signing_keys = settings.signing_key_variables(data)
        return [
            SubcommandProcess(
                name,
                ["api", "--data", data, "--drain", "0", *self.listeners.options(index)],
                self.listeners.fds(index),
                health_url,
                signing_keys,
                start_gate=self.start_gate,
            )
            for index, name in enumerate(_process_names("API", self.options.api_processes))
        ]

    def _start_commands(self) -> None:
        self.start_gate.open()
        names = _process_names("Worker", self.options.worker_processes)
        workers = [SubcommandProcess(name, ["worker", "--data", self.options.data]) for name in names]
        self._supervise(self.command_processes, workers)
        self._wait_until_ready(self.command_processes)

    def _supervise(self, group: list[SupervisedProcess], programs: Iterable[Program]) -> None:
        """Starts the programs together, at the supervisor's next step."""
        added = [SupervisedProcess(program, print_line) for program in programs]
        group += added
        self.supervisor.processes += added

    def _wait_until_ready(self, group: list[SupervisedProcess]) -> None:
        if not self.supervisor.run_until(lambda: all(process.is_ready for process in group), START_TIMEOUT_S):
            not_ready = ", ".join(process.program.name for process in group if not process.is_ready)
            raise OperatorError(f"Not ready after {START_TIMEOUT_S:.0f} s: {not_ready}.")

    def _run_subcommand(self, arguments: Sequence[str], timeout_s: float, slow_notice: str = "") -> tuple[int, str]:
        """Runs one of our commands to its end; returns its exit code and output."""
        with tempfile.TemporaryFile() as file:
            child = subcommand_process.spawn_taskledger([*arguments, "--data", self.options.data], file)
            try:
                if not self.supervisor.run_until(lambda: child.poll() is not None, SLOW_NOTICE_S) and slow_notice:
                    print_line(slow_notice)
                self.supervisor.run_until(lambda: child.poll() is not None, timeout_s)
            finally:
                stop([child], REQUESTS_STOP_TIMEOUT_S)
            file.seek(0)
            return child.returncode, file.read().decode(errors="replace").strip()

    def _stop(self) -> None:
        self.listeners.close()
        data_directory.remove_run_info(self.options.data)
        self.supervisor.stop(self.command_processes, REQUESTS_STOP_TIMEOUT_S)
        self.supervisor.stop(self.server_processes, SERVERS_STOP_TIMEOUT_S)


def embedded_servers(data: Path, connections: int = 0) -> dict[str, Postgres | Valkey]:
    """The embedded servers, by the setting that would name an external one instead.

    PostgreSQL allows at least so many `connections`.
    """
    password = data_directory.read_secret(data, "valkey-password")
    return {
        "broker_url": Valkey("Broker", data / "broker", password, BROKER_CONFIG),
        "redis_url": Valkey("Cache", data / "cache", password, CACHE_CONFIG),
        "database_url": Postgres(
            data / "postgres",
            data / "secrets" / "postgres-password",
            {"max_connections": str(connection_budget.server_connections(connections))},
        ),
    }


def server_urls(data: Path, servers: dict[str, Postgres | Valkey]) -> dict[str, str]:
    """Their URLs for run.json; the owner's is for migrations only."""
    urls_by_setting = {field: server.url for field, server in servers.items()}
    if isinstance(postgres := servers.get("database_url"), Postgres):
        urls_by_setting["migration_url"] = postgres.url
        urls_by_setting["database_url"] = postgres.url_as(
            APPLICATION_ROLE, data_directory.read_secret(data, "application-password")
        )
    return urls_by_setting


def print_line(line: str) -> None:
    """Prints a line, unless standard output was closed."""
    with contextlib.suppress(OSError):
        output.print_line(line)


def _last_error_line(printed: str) -> str:
    """The last line, for our own error; earlier lines (a traceback, for example) go to standard error."""
    earlier_output, _, last = printed.rpartition("\n")
    for line in earlier_output.split("\n") if earlier_output else ():
        output.print_line(line, to_stderr=True)
    return last.removeprefix("taskledger: ") or "The database could not be brought up to date."


def _process_names(what: str, count: int) -> list[str]:
    return [f"{what} {number}" for number in range(1, count + 1)] if count > 1 else [what]


def _port_wait_s(data: Path, port: int) -> float:
    """The API of a killed run may still be answering its last requests on our port."""
    with contextlib.suppress(OperatorError):
        last = data_directory.read_run_info(data)
        if last is not None and last.address.endswith(f":{port}"):
            return REQUESTS_STOP_TIMEOUT_S + SERVERS_STOP_TIMEOUT_S
    return 0
