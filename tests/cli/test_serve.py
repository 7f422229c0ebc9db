"""`taskledger serve` and the command line: output, restarts, stops, and errors of one line."""

import os
import pkgutil
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

import cli
from cli.subcommand_process import answers_200
from infra.database.connections import connect
from infra.embedded.postgres import Postgres
from infra.processes import data_directory, ports
from infra.processes.pids import ProcessInfo, find_process, processes_in
from infra.schema import grants
from infra.schema.migrate import migrate
from tests.e2e.blocking_api_user import BlockingApiUser
from tests.e2e.running_instance import RunningInstance, not_none, poll_until, running_instance
from tests.examples import CREATED, TASK, project, workspace
from tests.projections import oracle
from tests.servers import Servers

pytestmark = pytest.mark.slow

READ_AT_START = [
    "lock",
    "format",
    "run.json",
    "secrets/jwt-key",
    "secrets/jwt-key.previous",
    "secrets/postgres-password",
    "secrets/application-password",
    "secrets/valkey-password",
    "broker/valkey.conf",
    "cache/server.log",
    "postgres/postmaster.pid",
    "postgres/PG_VERSION",
    "postgres/server.log",
]
"""Files that `serve` itself reads or writes."""


def run_taskledger(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run `taskledger` with these arguments to its end."""
    argv = [sys.executable, "-P", "-m", "cli.main", *arguments]
    return subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False, env={**os.environ, **environ})


def error_line(done: subprocess.CompletedProcess[str]) -> str:
    """The single error line that an operator's mistake prints."""
    assert done.returncode == 2, done
    (line,) = done.stderr.splitlines()
    assert line.startswith("taskledger: ")
    return line


@pytest.fixture(scope="module")
def served_instance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningInstance]:
    """In production, with two API processes and a port for metrics."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TASKLEDGER_METRICS_PORT", "0")
        patch.setenv("TASKLEDGER_ENVIRONMENT", "production")
        patch.setenv("TASKLEDGER_REGISTRATION", "closed")
        with running_instance(tmp_path_factory.mktemp("serve") / "data", "--api", "2") as started:
            patch.undo()
            yield started


def test_help_names_every_command_with_a_summary() -> None:
    lines = run_taskledger("--help").stdout.splitlines()
    listed = dict(line.strip().split(maxsplit=1) for line in lines[lines.index("Commands:") + 1 :] if line[2] != " ")
    assert {"api", "migrate", "serve", "worker"} <= listed.keys()
    assert not {"main", "options", "children"} & listed.keys()


def test_help_imports_no_command() -> None:
    code = (
        "import sys; sys.argv[1:] = ['--help']\ntry:\n from cli.main import main; main()\nexcept SystemExit:\n pass\n"
    )
    code += "print([name for name in sys.modules if name.startswith(('cli.', 'litestar', 'psycopg'))])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "['cli.command_group', 'cli.main']"
    assert len(list(pkgutil.iter_modules(cli.__path__))) > 1


@pytest.mark.parametrize("name", ["jwt-key", "jwt-key.previous"])
def test_a_damaged_signing_key_is_reported_in_one_line(tmp_path: Path, name: str) -> None:
    data_directory.ensure_secrets(tmp_path)
    (tmp_path / "secrets" / name).write_text("short")
    assert f"secrets/{name} is damaged: remove it" in error_line(
        run_taskledger("serve", "--data", str(tmp_path), "--port", "0")
    )
    assert not (tmp_path / "postgres").exists()


def test_a_mistake_on_the_command_line_exits_with_2() -> None:
    assert run_taskledger("srve").returncode == 2
    assert "No such command" in run_taskledger("srve").stderr


def test_a_taken_port_is_reported_in_one_line(tmp_path: Path) -> None:
    with socket.create_server((ports.LOOPBACK, 0)) as taken:
        port = str(taken.getsockname()[1])
        assert f"Port {port} on 127.0.0.1 is taken" in error_line(
            run_taskledger("serve", "--data", str(tmp_path), "--port", port)
        )


def test_a_newer_data_directory_is_reported_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "format").write_text("999\n")
    assert "newer Taskledger" in error_line(run_taskledger("serve", "--data", str(tmp_path), "--port", "0"))


def replaced(data: Path, name: str, shape: str) -> Path:
    """A data directory like that of an instance, with something else in place of a file."""
    data_directory.ensure_secrets(data)
    major = Postgres(data / "postgres", data / "secrets" / "postgres-password").major_version()
    for folder in ("broker", "cache", "postgres/base/1"):
        (data / folder).mkdir(parents=True)
    for version_file in ("postgres/PG_VERSION", "postgres/base/1/PG_VERSION"):
        (data / version_file).write_text(f"{major}\n")
    path = data / name
    if path.is_dir():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)
    if shape == "directory":
        (path / "more").mkdir(parents=True)
    elif shape == "link":
        path.symlink_to("/nowhere/at/all")
    else:
        path.write_text("a file")
    return path


@pytest.mark.parametrize(
    ("name", "shape", "advice"),
    [
        *((name, "directory", "must be a file: move it away") for name in READ_AT_START),
        *((name, "link", "link that leads nowhere") for name in ("lock", "broker/server.log", "postgres/PG_VERSION")),
        *((name, "file", "must be a directory: move it away") for name in ("broker", "cache", "postgres")),
    ],
)
def test_what_is_no_file_is_reported_in_one_line(tmp_path: Path, name: str, shape: str, advice: str) -> None:
    data = tmp_path / "data"
    data.mkdir()
    path = replaced(data, name, shape)
    line = error_line(run_taskledger("serve", "--data", str(data), "--port", "0"))
    assert line.startswith(f"taskledger: {path} ")
    assert advice in line


def test_an_invalid_setting_is_reported_before_start(tmp_path: Path) -> None:
    done = run_taskledger("serve", "--data", str(tmp_path), "--port", "0", TASKLEDGER_REGISTRATION="perhaps")
    assert "TASKLEDGER_REGISTRATION must be open or closed" in error_line(done)
    assert not (tmp_path / "postgres").exists()


def test_production_without_a_word_on_registration_is_refused_before_start(tmp_path: Path) -> None:
    done = run_taskledger("serve", "--data", str(tmp_path), "--port", "0", TASKLEDGER_ENVIRONMENT="production")
    assert "TASKLEDGER_REGISTRATION is not set: say open or closed" in error_line(done)
    assert not (tmp_path / "postgres").exists()


def test_a_data_directory_in_use_is_reported_with_the_holders_pid(served_instance: RunningInstance) -> None:
    line = error_line(run_taskledger("serve", "--data", str(served_instance.data), "--port", "0"))
    assert f"in use by process {served_instance.process.pid}" in line


def test_each_api_process_has_a_metrics_port_and_run_json_the_first(served_instance: RunningInstance) -> None:
    run = data_directory.find_running(served_instance.data)
    assert run is not None
    assert run.metrics_port is not None
    for port in (run.metrics_port, run.metrics_port + 1):
        answer = httpx.get(f"http://127.0.0.1:{port}/metrics")
        assert (answer.status_code, "taskledger_log_position" in answer.text) == (200, True)
        assert f"http://127.0.0.1:{port}/metrics" in served_instance.log()
    assert httpx.get(f"{run.address}/metrics").status_code == 401


def test_a_taken_metrics_port_is_reported_by_its_variable(tmp_path: Path) -> None:
    with socket.create_server((ports.LOOPBACK, 0)) as taken:
        port = str(taken.getsockname()[1])
        done = run_taskledger("serve", "--data", str(tmp_path), "--port", "0", TASKLEDGER_METRICS_PORT=port)
        assert f"Port {port} on 127.0.0.1 is taken" in error_line(done)
        assert "TASKLEDGER_METRICS_PORT" in error_line(done)


def test_another_instance_runs_beside_it(served_instance: RunningInstance, tmp_path: Path) -> None:
    with running_instance(tmp_path / "other") as other:
        one, two = data_directory.find_running(served_instance.data), data_directory.find_running(other.data)
        assert one is not None
        assert two is not None
        assert not {one.address, one.database_url, one.broker_url} & {two.address, two.database_url, two.broker_url}


def test_the_api_is_imported_while_the_servers_start(tmp_path: Path) -> None:
    with running_instance(tmp_path / "data") as started:
        api, postgres = (not_none(find_process(started.child(name))) for name in ("cli.main api", "postgres -D"))
        assert started_at(api) <= started_at(postgres)


def started_at(process: ProcessInfo) -> int:
    """The clock tick of its start; on Linux `started` is the boot and the tick."""
    return int(process.started.rpartition("/")[2])


@pytest.mark.parametrize("part", ["cli.main api", "cli.main worker", "valkey-server"])
def test_a_dead_child_process_is_restarted_and_reported(served_instance: RunningInstance, part: str) -> None:
    pid = served_instance.child(part)
    served_instance.kill(part)
    poll_until(lambda: any(part in command for child, command in served_instance.children().items() if child != pid))
    poll_until(lambda: "died of SIGKILL: restarting it." in served_instance.log())


def test_a_restarted_api_process_signs_with_the_key_that_the_others_know(served_instance: RunningInstance) -> None:
    BlockingApiUser.register(served_instance.address, "host@example.com")
    assert run_taskledger("rotate-key", "--data", str(served_instance.data)).returncode == 0
    pid = served_instance.child("cli.main api")
    served_instance.kill("cli.main api")
    poll_until(lambda: pid not in served_instance.children() and all(map(answers_200, metrics_urls(served_instance))))
    for _ in range(8):  # of either process: each request has a connection of its own
        host = BlockingApiUser.log_in(served_instance.address, "host@example.com")
        assert [host.http.get("/auth/me").status_code for _ in range(4)] == [200] * 4


def metrics_urls(instance: RunningInstance) -> list[str]:
    """The metrics of each API process."""
    first = not_none(not_none(data_directory.find_running(instance.data)).metrics_port)
    return [f"http://127.0.0.1:{port}/metrics" for port in (first, first + 1)]


@pytest.mark.parametrize("sig", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_leaves_no_process_and_takes_under_ten_seconds(tmp_path: Path, sig: signal.Signals) -> None:
    with running_instance(tmp_path / "data") as started:
        assert (started.data / "run.json").stat().st_mode & 0o777 == 0o600
        began = time.monotonic()
        started.process.send_signal(sig)
        assert started.process.wait(60) == 0
        assert time.monotonic() - began < 10
        assert not (started.data / "run.json").exists()
        assert not processes_in(started.data / "postgres", "postgres")
        assert not processes_in(started.data / "broker", "valkey-server")
        assert "Stopped. All data is in" in started.log()


def test_an_older_data_directory_gets_its_database_role_at_start(tmp_path: Path) -> None:
    """In older directories the application connects as the owner and has no password of its own."""
    data = tmp_path / "data"
    data.mkdir()
    facts = [*workspace(), *project(), (TASK, CREATED)]
    with Servers.start(data) as before:
        migrate(before.postgres.url)
        with connect(before.postgres.url) as owner:
            oracle.append_facts(owner, facts)
            oracle.catch_up(owner)
    (data / "secrets" / "application-password").unlink()
    with running_instance(data) as started, connect(started.database_url()) as application:
        assert (data / "secrets" / "application-password").stat().st_mode & 0o777 == 0o600
        assert grants.direct_write_access(application) == ("taskledger_app", False)
        assert len(oracle.all_events(application)) == len(facts)
        assert oracle.matches_log(application)
        assert run_taskledger("projections", "rebuild", "task_list", "--data", str(data)).returncode == 0
        assert run_taskledger("doctor", "--data", str(data)).returncode == 0


BROKEN_BY_A_CRASH = [
    "run.json",
    "lock",
    "secrets/application-password",
    "secrets/valkey-password",
    "secrets/jwt-key",
    "broker/valkey.conf",
    "broker/appendonlydir/appendonly.aof.manifest",
    "broker/server.log",
    "cache/valkey.conf",
    "cache/server.log",
    "postgres/PG_VERSION",
    "postgres/postmaster.opts",
    "postgres/postmaster.pid",
    "postgres/server.log",
]


def test_after_a_kill_of_the_supervisor_the_next_start_needs_no_help(tmp_path: Path) -> None:
    with running_instance(tmp_path / "data") as started:
        children = started.children()
        assert len(children) == 5
        started.kill("supervisor")
        assert data_directory.read_run_info(started.data) is not None
        assert data_directory.find_running(started.data) is None
        poll_until(lambda: not any(find_process(pid) for pid in children))
        for name in BROKEN_BY_A_CRASH:
            (started.data / name).write_bytes(b"nonsense\xff\xfe" * 10)
        started.start()
        assert not children.keys() & started.children().keys()


def test_a_lost_password_of_the_database_is_reported_with_what_to_do(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    with Servers.start(data):
        pass
    (data / "secrets" / "postgres-password").write_text("forgotten")
    line = error_line(run_taskledger("serve", "--data", str(data), "--port", "0"))
    assert "password authentication failed" in line
    assert "restore secrets/" in line
