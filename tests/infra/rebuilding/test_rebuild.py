"""A rebuild never shows a partial table, and changes nothing live before the switch (P8, P5).

Most tests rebuild without processes; those that kill use real ones.
"""

import asyncio
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import psycopg
import pytest
from psycopg.sql import SQL

from domain.event import Change
from domain.task import TaskRenamed
from infra import log
from infra.database.connections import connect
from infra.errors import OperatorError
from infra.rebuilding import fold_pool
from infra.rebuilding.outcome import RebuildProgress
from infra.rebuilding.rebuild import ProjectionRebuild, RebuildOptions
from infra.settings import Settings
from infra.worker.projector import Projector
from projections import task_list
from projections.engine import advance, build_lock, builds, full_fold
from projections.engine.connection import SyncConnection
from projections.projection import all_projections
from tests.cli.conftest import RunCli
from tests.e2e.running_instance import poll_until
from tests.examples import COMPLETED, PROJECT, RENAMED, TASK, Facts, fixed_uuid7, project, task, workspace
from tests.planted_defects import assert_check_fails
from tests.projections import oracle
from tests.projections.answers import all_tasks_of
from tests.reading_process import ReadingProcess, open_reading_process

pytestmark = pytest.mark.slow

TASKS = [fixed_uuid7(1_000 + number) for number in range(30)]
HISTORY: Facts = [*workspace(), *project(), *task(), (TASK, RENAMED)]
PROJECTION_NAMES = sorted(all_projections())


@pytest.fixture
def _seeded_log(database: SyncConnection) -> None:
    oracle.append_facts(database, HISTORY)
    oracle.catch_up(database)


def remaining_builds(database: SyncConnection, name: str = "task_list") -> set[int]:
    """The builds of a projection, by their rows and by their tables: a difference is a leftover."""
    found = database.execute(  # in one snapshot: a worker may be creating a build
        """select array(select build::int from read.builds where projection = %s),
             array(select substring(tablename from '[0-9]+$')::int from pg_tables
               where schemaname = 'read' and tablename ~ %s)""",
        (name, f"^{name}_[0-9]+$"),
    )
    rows, tables = found.fetchone() or ([], [])
    assert set(tables) == set(rows)
    return set(rows)


def corrupt_rows(database: SyncConnection, sql: str, name: str = "task_list") -> None:
    """Corrupt live rows."""
    database.execute(SQL(sql).format(oracle.serving_build(database, name).table_name))


@pytest.mark.usefixtures("_seeded_log")
def test_differences_stop_the_switch_and_name_their_events(database: SyncConnection, settings: Settings) -> None:
    corrupt_rows(database, "update {} set title = 'Buy nothing'")
    live, before = oracle.serving_build(database, "task_list"), oracle.serving_rows(database, task_list.projection)
    outcome = oracle.rebuild_inline(settings.database_url, "task_list")
    assert (outcome.switched, outcome.differences) == (False, 1)
    (cause,) = outcome.first
    assert (cause.document, cause.fields) == (str(TASK), {"title": ("Buy nothing", "Buy bread")})
    assert cause.events == [(oracle.position_of(database, RENAMED), "TaskRenamed")]
    assert oracle.serving_build(database, "task_list") == live
    assert oracle.serving_rows(database, task_list.projection) == before
    assert remaining_builds(database) == {live.number}
    assert oracle.rebuild_inline(settings.database_url, "task_list", RebuildOptions(1, expect_changes=True)).switched
    assert oracle.matches_log(database)


PHASES = ["folding", "indexing", "catching up", "verifying", "switching"]


@pytest.mark.usefixtures("_seeded_log")
@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("error", [KeyboardInterrupt, psycopg.OperationalError], ids=["interrupted", "failed"])
def test_an_aborted_rebuild_leaves_nothing(
    database: SyncConnection, settings: Settings, phase: str, error: type[BaseException]
) -> None:
    live = oracle.serving_build(database, "task_list")

    def breaking(step: RebuildProgress) -> None:
        if step.phase == phase:
            raise error

    with pytest.raises(error):
        rebuild_with(settings, breaking)
    assert remaining_builds(database) == {live.number}
    assert oracle.serving_build(database, "task_list") == live
    assert oracle.matches_log(database)
    assert oracle.rebuild_inline(settings.database_url, "task_list").switched


def rebuild_with(settings: Settings, on_step: Any, name: str = "task_list") -> Any:
    """A rebuild that reports its steps."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("infra.rebuilding.rebuild.open_fold_pool", oracle.inline_fold_pool)
        return ProjectionRebuild(settings.database_url, all_projections()[name], RebuildOptions(1), on_step).run()


@pytest.mark.usefixtures("_seeded_log")
@pytest.mark.parametrize("name", PROJECTION_NAMES)
def test_events_during_a_rebuild_are_in_the_new_table(
    database: SyncConnection, other_connection: SyncConnection, settings: Settings, name: str
) -> None:
    phases = list[str]()

    def writing(step: RebuildProgress) -> None:
        if step.phase not in phases:
            phases.append(step.phase)
            number = len(phases) + 1
            oracle.append_facts(other_connection, task(COMPLETED, task_id=fixed_uuid7(2_000 + number), number=number))
            if number % 2:
                oracle.catch_up(other_connection)
            positions.append(oracle.checkpoint_position(other_connection, name))

    positions = [oracle.checkpoint_position(database, name)]
    outcome = rebuild_with(settings, writing, name)
    assert set(phases) >= set(PHASES)
    assert (outcome.switched, outcome.compared, outcome.differences) == (True, True, 0)
    assert oracle.checkpoint_position(database, name) >= max(positions)
    oracle.catch_up(database)
    assert oracle.matches_log(database)


def answers_stay_correct_during_switches(
    database: SyncConnection, settings: Settings, monkeypatch: pytest.MonkeyPatch, switches: int
) -> None:
    """Clients keep reading and renaming tasks while the table is rebuilt."""
    monkeypatch.setattr("infra.rebuilding.rebuild.MAX_SWITCH_LAG_EVENTS", 5)
    created = [fact for number, each in enumerate(TASKS, 1) for fact in task(task_id=each, number=number)]
    oracle.append_facts(database, [*workspace(), *project(), *created])
    oracle.catch_up(database)
    over, problems, answers = threading.Event(), list[str](), list[int]()
    threads = [
        threading.Thread(target=asyncio.run, args=(_read_continuously(settings, over, problems, answers),)),
        threading.Thread(target=_rename_continuously, args=(settings, over)),
    ]
    for thread in threads:
        thread.start()
    try:
        poll_until(lambda: answers, timeout_s=20)
        for _ in range(switches):
            begun = len(answers)
            ProjectionRebuild(
                settings.database_url, all_projections()["task_list"], RebuildOptions(1), lambda _: None
            ).run()
            poll_until(lambda begun=begun: len(answers) > begun or problems, timeout_s=20)  # type: ignore[misc]
    finally:
        over.set()
        for thread in threads:
            thread.join()
    assert not problems, problems[:3]
    assert len(set(answers)) > switches, "nothing was written meanwhile"
    oracle.catch_up(database)
    assert oracle.matches_log(database)


async def _read_continuously(
    settings: Settings, over: threading.Event, problems: list[str], answers: list[int]
) -> None:
    """Read as an API process does: each answer has all tasks, none older than in the answer before."""
    async with open_reading_process(settings) as here:
        await _read_until(here, over, problems, answers)


async def _read_until(here: ReadingProcess, over: threading.Event, problems: list[str], answers: list[int]) -> None:
    versions, last = dict.fromkeys(map(str, TASKS), 0), 0
    while not over.is_set():
        try:
            found = await here.reader.answer(all_tasks_of(PROJECT))
            position = found.position
            body: dict[str, Any] = msgspec.json.decode(found.answer.body) if found.answer else {"items": []}
            seen = {each["id"]: each["version"] for each in body["items"]}
            rows = await here.tables.fetch_rows(task_list.IDS_BY_KEY_SQL, {"key": "HOME-1"})
        except Exception as error:  # noqa: BLE001 - a reader must not get any error
            problems.append(repr(error))
            break
        if seen.keys() != versions.keys() or len(rows) != 1:
            problems.append(f"{len(seen)} rows of {len(versions)} at {position}")
        elif position < last or any(seen[each] < versions[each] for each in seen):
            problems.append(f"back from {last} to {position}")
        else:
            versions, last = seen, position
        answers.append(position)


def _rename_continuously(settings: Settings, over: threading.Event) -> None:
    projector = Projector(settings.database_url, 1, lambda _: None)
    with connect(settings.database_url) as connection:
        number = 0
        while not over.wait(0.005):
            number += 1
            oracle.append_facts(connection, [(TASKS[number % len(TASKS)], TaskRenamed(Change("a", f"title {number}")))])
            projector.project(0)
    projector.close()


@pytest.fixture
def _inline_fold_pool(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("infra.rebuilding.rebuild.open_fold_pool", oracle.inline_fold_pool)


@pytest.mark.usefixtures("_inline_fold_pool")
def test_answers_stay_correct_during_switches(
    database: SyncConnection, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    switches = 200 if "TASKLEDGER_TEST_KILLS" in os.environ else 8
    answers_stay_correct_during_switches(database, settings, monkeypatch, switches)


def test_a_table_that_is_truncated_and_refilled_is_noticed(
    database: SyncConnection, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refilled(_: ProjectionRebuild) -> None:
        with connect(settings.database_url) as connection:
            build = oracle.serving_build(connection, "task_list")
            corrupt_rows(connection, "truncate {}")
            connection.execute("update read.checkpoints set position = 0 where build = %s", (build.number,))
            advance.catch_up(connection, build, log.load_after, log.head(connection))

    monkeypatch.setattr(ProjectionRebuild, "run", refilled)
    assert_check_fails(lambda: answers_stay_correct_during_switches(database, settings, monkeypatch, 8))


@pytest.mark.usefixtures("_inline_fold_pool")
def test_a_switch_before_the_build_has_caught_up_is_noticed(
    database: SyncConnection, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ProjectionRebuild, "_catch_up_frozen", lambda *_: None)
    assert_check_fails(lambda: answers_stay_correct_during_switches(database, settings, monkeypatch, 80))


@pytest.mark.usefixtures("_seeded_log")
def test_a_rollback_serves_the_previous_build_caught_up(
    database: SyncConnection, settings: Settings, run_cli: RunCli
) -> None:
    before = oracle.serving_build(database, "task_list")
    assert "nothing to go back to" in str(run_cli("projections", "rollback", "task_list").exception)
    assert oracle.rebuild_inline(settings.database_url, "task_list").switched
    fresh = oracle.serving_build(database, "task_list")
    oracle.append_facts(database, [(TASK, COMPLETED)])
    oracle.catch_up(database)
    back = run_cli("projections", "rollback", "task_list")
    assert (back.exit_code, oracle.serving_build(database, "task_list")) == (0, before)
    oracle.catch_up(database)  # with the record of the rollback
    assert oracle.matches_log(database)
    assert remaining_builds(database) == {before.number, fresh.number}


@pytest.mark.usefixtures("_seeded_log")
def test_a_dropped_table_is_rebuilt(database: SyncConnection, settings: Settings) -> None:
    corrupt_rows(database, "drop table {}")
    outcome = oracle.rebuild_inline(settings.database_url, "task_list")
    assert (outcome.switched, outcome.compared) == (True, False)
    assert oracle.matches_log(database)


@pytest.mark.usefixtures("_seeded_log")
def test_a_second_rebuild_is_refused_in_one_line(
    database: SyncConnection, other_connection: SyncConnection, run_cli: RunCli
) -> None:
    assert build_lock.try_lock(other_connection, task_list.projection)
    assert build_lock.is_locked(database, task_list.projection)
    assert not build_lock.is_locked(database, all_projections()["activity"])
    for words in (("rebuild", "task_list"), ("verify", "task_list"), ("rollback", "task_list")):
        refused = run_cli("projections", *words)
        assert "is being rebuilt" in str(refused.exception)
        assert "\n" not in str(refused.exception)
    assert remaining_builds(database) == {oracle.serving_build(database, "task_list").number}


@pytest.mark.usefixtures("_seeded_log")
def test_a_table_being_read_is_dropped_at_the_next_rebuild(
    database: SyncConnection, other_connection: SyncConnection, settings: Settings
) -> None:
    """For example a backup: the rebuild succeeds all the same."""
    url = settings.database_url
    before = oracle.serving_build(database, "task_list").number
    assert oracle.rebuild_inline(url, "task_list").switched
    with other_connection.transaction():
        other_connection.execute(SQL("select from {}").format(builds.Build(before, task_list.projection, 1).table_name))
        assert oracle.rebuild_inline(url, "task_list").switched
        assert before in remaining_builds(database)
    assert oracle.rebuild_inline(url, "task_list").switched
    assert before not in remaining_builds(database)
    assert len(remaining_builds(database)) == 2


@pytest.mark.parametrize("name", ["project_list", "workspace_list"])
def test_documents_beyond_the_limit_are_folded_in_several_parts(
    database: SyncConnection, settings: Settings, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    facts: Facts = []
    for number in range(20):
        place = fixed_uuid7(3_000 + number)
        facts += [*workspace(fixed_uuid7(4_000 + number)), *project(place, f"KEY{number}")]
    oracle.append_facts(database, facts)
    for number in range(20):
        oracle.append_facts(database, workspace(fixed_uuid7(5_000 + number)), fixed_uuid7(5_000 + number))
    oracle.catch_up(database)
    monkeypatch.setattr(full_fold, "MAX_DOCUMENTS", 3)
    monkeypatch.setattr(full_fold, "CHUNK_EVENTS", 7)
    parts = list[Any]()
    fill = fold_pool.fold_part

    def counted(*arguments: Any) -> Any:
        parts.append(arguments[-1])
        return fill(*arguments)

    monkeypatch.setattr(fold_pool, "fold_part", counted)
    outcome = oracle.rebuild_inline(settings.database_url, name)
    assert (outcome.switched, outcome.differences) == (True, 0)
    if name == "workspace_list":
        assert outcome.documents >= 20
    assert len(parts) > 5
    assert oracle.matches_log(database)


@contextmanager
def suspended_rebuild(
    database: SyncConnection, rival: SyncConnection, environment: dict[str, str], data: Path
) -> Iterator[tuple[subprocess.Popen[bytes], set[int]]]:
    """The command and its pool, suspended while it writes the first rows of a new table."""
    known = remaining_builds(database)
    argv = [sys.executable, "-P", "-m", "cli.main", "projections", "rebuild", "task_list", "--workers", "2"]
    with subprocess.Popen(
        [*argv, "--data", str(data)], env={**os.environ, **environment}, stdout=-1, stderr=-1
    ) as command:
        (number,) = poll_until(lambda: remaining_builds(database) - known)
        with rival.transaction():
            table = builds.Build(number, task_list.projection, 1).table_name
            rival.execute(SQL("lock table {} in share mode").format(table))
            poll_until(lambda: waiting_backends(database))
            members = descendants(command.pid)
            assert [command_line(pid) for pid in members] == [command_line(command.pid)] * 2, "they were not forked"
            for pid in members:
                os.kill(pid, signal.SIGSTOP)
        yield command, members
    poll_until(lambda: not any(command_line(pid) for pid in members))


def waiting_backends(database: SyncConnection) -> bool:
    sql = """select from pg_stat_activity where application_name = %s and datname = current_database()
      and wait_event_type = 'Lock' and query ilike 'copy %%'"""
    return bool(database.execute(sql, (fold_pool.APPLICATION_NAME,)).fetchall())


def descendants(pid: int) -> set[int]:
    children = {int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()}
    return children.union(*(descendants(child) for child in children))


def command_line(pid: int) -> str:
    """The command line of a living process."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    except OSError:
        return ""


@pytest.mark.usefixtures("_seeded_log")
@pytest.mark.parametrize("victim", ["command", "pool", "none"])
def test_a_killed_rebuild_changes_nothing_and_the_next_starts_clean(  # noqa: PLR0913, PLR0917 - fixtures
    database: SyncConnection,
    other_connection: SyncConnection,
    settings: Settings,
    environment: dict[str, str],
    tmp_path: Path,
    victim: str,
) -> None:
    """Killed with SIGKILL, or interrupted; the pool ends with the command."""
    live = oracle.serving_build(database, "task_list")
    with suspended_rebuild(database, other_connection, environment, tmp_path) as (command, members):
        if victim == "none":
            command.send_signal(signal.SIGINT)
        else:
            os.kill(min(members) if victim == "pool" else command.pid, signal.SIGKILL)
        if victim == "command":
            for pid in members:
                os.kill(pid, signal.SIGCONT)  # the test had suspended them
        _, output = command.communicate(timeout=30)
    if victim != "command":
        assert remaining_builds(database) == {live.number}
        assert (command.returncode, len(output.strip().splitlines())) == ((2, 1) if victim == "pool" else (130, 0)), (
            output.decode()
        )
    assert oracle.serving_build(database, "task_list") == live
    oracle.catch_up(database)  # with the record of the rebuild
    assert oracle.matches_log(database)
    outcome = poll_until(lambda: rebuild_when_unlocked(settings))
    assert (outcome.switched, outcome.differences) == (True, 0)
    assert remaining_builds(database) == {live.number, oracle.serving_build(database, "task_list").number}
    assert oracle.matches_log(database)


def rebuild_when_unlocked(settings: Settings) -> Any:
    """The server takes a moment to notice that the killed command is gone."""
    try:
        return oracle.rebuild_inline(settings.database_url, "task_list")
    except OperatorError:
        return None
