"""`taskledger serve` and the command line around it: what an operator sees when it goes well, and when not."""

import os
import pkgutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import cli
from infra.database.pool import connect
from infra.processes import data_directory, ports
from infra.processes.pids import processes_in
from infra.schema import grants
from infra.schema.migrate import migrate
from tests.e2e.running import Running, fact, running
from tests.examples import CREATED, TASK, project, workspace
from tests.projections import oracle
from tests.servers import Servers


def taskledger(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run the command to its end."""
    argv = [sys.executable, "-P", "-m", "cli.main", *arguments]
    return subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False, env={**os.environ, **environ})


def refusal(done: subprocess.CompletedProcess[str]) -> str:
    """The one line of an operator's mistake."""
    assert done.returncode == 2, done
    (line,) = done.stderr.splitlines()
    assert line.startswith("taskledger: ")
    return line


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("serve") / "data") as started:
        yield started


def test_help_names_every_command_with_a_summary() -> None:
    lines = taskledger("--help").stdout.splitlines()
    listed = dict(line.strip().split(maxsplit=1) for line in lines[lines.index("Commands:") + 1 :] if line[2] != " ")
    assert {"api", "migrate", "serve", "worker"} <= listed.keys()
    assert not {"main", "options", "children"} & listed.keys()


def test_help_imports_no_command() -> None:
    code = (
        "import sys; sys.argv[1:] = ['--help']\ntry:\n from cli.main import main; main()\nexcept SystemExit:\n pass\n"
    )
    code += "print([name for name in sys.modules if name.startswith(('cli.', 'litestar', 'psycopg'))])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "['cli.main']"
    assert len(list(pkgutil.iter_modules(cli.__path__))) > 1


def test_a_mistake_on_the_command_line_exits_with_2() -> None:
    assert taskledger("srve").returncode == 2
    assert "No such command" in taskledger("srve").stderr


def test_a_taken_port_is_told_in_one_line(tmp_path: Path) -> None:
    with socket.create_server((ports.LOOPBACK, 0)) as taken:
        port = str(taken.getsockname()[1])
        assert f"Port {port} on 127.0.0.1 is taken" in refusal(
            taskledger("serve", "--data", str(tmp_path), "--port", port)
        )


def test_a_folder_of_a_newer_taskledger_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "format").write_text("999\n")
    assert "newer Taskledger" in refusal(taskledger("serve", "--data", str(tmp_path), "--port", "0"))


def test_a_wrong_setting_is_told_before_anything_is_started(tmp_path: Path) -> None:
    done = taskledger("serve", "--data", str(tmp_path), "--port", "0", TASKLEDGER_REGISTRATION="perhaps")
    assert "TASKLEDGER_REGISTRATION must be open or closed" in refusal(done)
    assert not (tmp_path / "postgres").exists()


def test_a_folder_in_use_is_told_with_the_pid_that_holds_it(served: Running) -> None:
    line = refusal(taskledger("serve", "--data", str(served.data), "--port", "0"))
    assert f"in use by process {served.process.pid}" in line


def test_another_instance_runs_beside_it(served: Running, tmp_path: Path) -> None:
    with running(tmp_path / "other") as other:
        one, two = data_directory.find_running(served.data), data_directory.find_running(other.data)
        assert one is not None
        assert two is not None
        assert not {one.address, one.database_url, one.broker_url} & {two.address, two.database_url, two.broker_url}


@pytest.mark.parametrize("part", ["cli.main api", "cli.main worker", "valkey-server"])
def test_a_child_that_died_is_started_again_and_told(served: Running, part: str) -> None:
    pid = served.child(part)
    served.kill(part)
    fact(lambda: any(part in command for child, command in served.children().items() if child != pid))
    fact(lambda: "died of SIGKILL: starting it again." in served.log())


@pytest.mark.parametrize("sig", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_leaves_nobody_and_takes_less_than_ten_seconds(tmp_path: Path, sig: signal.Signals) -> None:
    with running(tmp_path / "data") as started:
        assert (started.data / "run.json").stat().st_mode & 0o777 == 0o600
        began = time.monotonic()
        started.process.send_signal(sig)
        assert started.process.wait(60) == 0
        assert time.monotonic() - began < 10
        assert not (started.data / "run.json").exists()
        assert not processes_in(started.data / "postgres", "postgres")
        assert not processes_in(started.data / "broker", "valkey-server")
        assert "Stopped. Everything is kept in" in started.log()


def test_a_folder_of_the_version_before_gets_its_role_at_the_next_start(tmp_path: Path) -> None:
    """There the application was the owner of everything, and had no password of its own."""
    data = tmp_path / "data"
    data.mkdir()
    facts = [*workspace(), *project(), (TASK, CREATED)]
    with Servers.start(data) as before:
        migrate(before.postgres.url)
        with connect(before.postgres.url) as owner:
            oracle.write(owner, facts)
            oracle.catch_up(owner)
    (data / "secrets" / "application-password").unlink()
    with running(data) as started, connect(started.url()) as application:
        assert (data / "secrets" / "application-password").stat().st_mode & 0o777 == 0o600
        assert grants.direct_write_access(application) == ("taskledger_app", False)
        assert len(oracle.all_events(application)) == len(facts)
        assert oracle.is_right(application)
        assert taskledger("projections", "rebuild", "task_list", "--data", str(data)).returncode == 0
        assert taskledger("doctor", "--data", str(data)).returncode == 0


def test_after_a_kill_of_the_supervisor_the_next_start_needs_no_help(tmp_path: Path) -> None:
    with running(tmp_path / "data") as started:
        children = started.children()
        assert len(children) == 5
        started.kill("supervisor")
        assert data_directory.read_run_info(started.data) is not None
        assert data_directory.find_running(started.data) is None
        started.start()
        assert not children.keys() & started.children().keys()
