"""A cluster with a damaged file starts by itself, or one line says what to do (P21)."""

import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from infra.embedded import cluster_damage
from infra.embedded.postgres import Postgres
from infra.errors import OperatorError
from infra.processes import data_directory
from infra.processes.supervised import SupervisedProcess
from infra.processes.supervisor import Supervisor
from tests.infra.embedded.supervision import supervised
from tests.planted_defects import assert_check_fails

pytestmark = pytest.mark.slow

HEALED = ["PG_VERSION", "pg_ident.conf", "postmaster.opts", "postmaster.pid", "server.log"]
"""Whatever is in them, the cluster starts."""
SETTINGS = ["postgresql.conf", "postgresql.auto.conf"]
"""They may be empty."""
LOST = {"pg_hba.conf": "or write", "global/pg_control": "restore", "pg_wal": "restore", "pg_xact/0000": "restore"}
"""Only the operator can restore them; words of the line that says so."""
UNNOTICED = {
    *((name, shape) for name in SETTINGS for shape in ("empty", "cut")),
    ("global/pg_control", "cut"),
    ("pg_xact/0000", "garbled"),
}
"""Settings may end anywhere, pg_control matters in its first 300 bytes only, and pg_xact has no checksum."""
GARBAGE = b"nonsense\xff\xfe" * 1000
SHAPES: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda _: b"",
    "cut": lambda content: content[: len(content) // 4],
    "garbled": lambda content: GARBAGE[: max(len(content), 100)],
}


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with a cluster that has a row, and is stopped."""
    data = tmp_path_factory.mktemp("template")
    data_directory.ensure_secrets(data)
    with supervised(cluster := cluster_in(data)), psycopg.connect(cluster.url) as connection:
        connection.execute("create table kept as select 1 as one")
    return data


def cluster_in(data: Path) -> Postgres:
    return Postgres(data / "postgres", data / "secrets" / "postgres-password")


@pytest.fixture
def cluster(template: Path, tmp_path: Path) -> Iterator[Postgres]:
    copy = tmp_path / "copy"
    shutil.copytree(template, copy, copy_function=copy_with_owner)
    for folder in [copy, *(each for each in copy.rglob("*") if each.is_dir())]:
        copy_owner(template / folder.relative_to(copy), folder)
    yield cluster_in(copy)
    shutil.rmtree(copy)


def copy_with_owner(source: str, target: str) -> None:
    shutil.copy2(source, target)
    copy_owner(Path(source), Path(target))


def copy_owner(source: Path, target: Path) -> None:
    os.chown(target, source.stat().st_uid, source.stat().st_gid)


def damage(cluster: Postgres, name: str, shape: str) -> tuple[Path, bytes]:
    """Damage a file; returns it with its former content."""
    file = cluster.folder / name
    if file.is_dir():
        file = next(each for each in sorted(file.iterdir()) if each.is_file())
    content = file.read_bytes() if file.exists() else b"1\n"
    file.write_bytes(SHAPES[shape](content))
    return file, content


def start_with_its_row(cluster: Postgres) -> None:
    with supervised(cluster), psycopg.connect(cluster.url) as connection:
        assert connection.execute("select one from kept").fetchone() == (1,)


def refusal(cluster: Postgres, damaged: str) -> str:
    """The line with which it does not start."""
    supervisor, ward = Supervisor(), SupervisedProcess(cluster, print)
    supervisor.processes = [ward]
    try:
        supervisor.run_until(lambda: ward.is_ready, 30)
    except OperatorError as error:
        return str(error)
    finally:
        supervisor.stop([ward], 5)
        supervisor.close()
    raise AssertionError(f"it started with {damaged}")


def test_every_file_at_the_top_of_a_cluster_is_known(cluster: Postgres) -> None:
    found = {each.name for each in cluster.folder.iterdir() if each.is_file()}
    assert found <= {*HEALED, *SETTINGS, *LOST}


@pytest.mark.parametrize("shape", SHAPES)
def test_a_cluster_heals_damage_that_loses_nothing(cluster: Postgres, shape: str) -> None:
    for name in HEALED + (SETTINGS if shape == "empty" else []):
        damage(cluster, name, shape)
    start_with_its_row(cluster)
    start_with_its_row(cluster)


def test_a_lost_version_file_is_written_again(cluster: Postgres) -> None:
    (cluster.folder / "PG_VERSION").unlink()
    start_with_its_row(cluster)


def one_line_says_what_to_do(cluster: Postgres) -> None:
    """For each file that is lost, alone; the cluster starts again once it is restored."""
    for name, words in {**LOST, **dict.fromkeys(SETTINGS, "leave it empty")}.items():
        for shape in SHAPES:
            if (name, shape) in UNNOTICED:
                continue
            file, content = damage(cluster, name, shape)
            line = refusal(cluster, f"{shape} {name}")
            assert re.search(f"(damaged|missing).*{words}", line), f"{shape} {name}: {line}"
            assert "\n" not in line
            assert str(cluster.folder) in line
            file.write_bytes(content)
    start_with_its_row(cluster)


def test_of_what_is_lost_one_line_says_what_to_do(cluster: Postgres) -> None:
    one_line_says_what_to_do(cluster)


def test_a_start_that_gives_no_advice_is_noticed(cluster: Postgres, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster_damage, "diagnosis", lambda *_: "")
    assert_check_fails(lambda: one_line_says_what_to_do(cluster))


def test_trust_in_a_pid_file_is_noticed(cluster: Postgres, monkeypatch: pytest.MonkeyPatch) -> None:
    (cluster.folder / "postmaster.pid").write_bytes(GARBAGE)
    monkeypatch.setattr(Postgres, "can_start", lambda _: True)
    assert "postmaster.pid" in refusal(cluster, "a pid file of nonsense")
