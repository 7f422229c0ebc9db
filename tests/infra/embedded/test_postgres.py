"""The embedded PostgreSQL: durable, private, and safe in a folder of any content."""

import os
from pathlib import Path

import psycopg
import pytest

from infra.embedded.postgres import Postgres
from infra.errors import OperatorError
from infra.processes import ports
from infra.processes.child import spawn
from infra.processes.pids import find_process
from tests.e2e.running_instance import poll_until
from tests.infra.embedded.supervision import supervised

pytestmark = pytest.mark.slow


def query_one(url: str, question: str) -> str:
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute(question.encode()).fetchone()
    assert row is not None
    return str(row[0])


def test_postgres_is_durable_and_private(postgres: Postgres) -> None:
    with supervised(postgres):
        assert query_one(postgres.url, "show fsync") == "on"
        assert query_one(postgres.url, "show synchronous_commit") == "on"
        assert query_one(postgres.url, "show listen_addresses") == ports.LOOPBACK
        locale = "select datlocprovider::text || datlocale from pg_database where datname = current_database()"
        assert query_one(postgres.url, locale) == "bC.UTF-8"
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(postgres.url, password="wrong")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs PostgreSQL as another user")
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
    poll_until(lambda: find_process(zombie.pid) is None)
    (postgres.folder / "postmaster.pid").write_text(f"{pid or zombie.pid}\n/nowhere\n0\n0\n\n\n0 0\nready\n")
    with supervised(postgres):
        assert query_one(postgres.url, "select 1") == "1"
    zombie.wait()


@pytest.mark.parametrize("content", [b"", b"\0" * 100, b"\xff\xfenonsense\n"])
def test_a_lock_file_that_a_crash_broke_is_ignored(postgres: Postgres, content: bytes) -> None:
    with supervised(postgres):
        pass
    (postgres.folder / "postmaster.pid").write_bytes(content)
    with supervised(postgres):
        assert query_one(postgres.url, "select 1") == "1"


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
