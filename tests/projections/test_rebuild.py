"""A rebuild never shows half a table, and touches nothing that is live before the switch (P8, P5).

Most of these rebuild by everything but processes; those that kill, kill real ones.
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
from infra.database.pool import connect
from infra.errors import OperatorError
from infra.rebuilding import worker_pool
from infra.rebuilding.outcome import RebuildOptions, RebuildProgress
from infra.rebuilding.rebuild import ProjectionRebuild
from infra.settings import Settings
from infra.worker.projector import Projector
from projections import task_list
from projections.engine import advance, builds, full_fold
from projections.engine.builds import SyncConnection
from projections.projection import all_projections
from tests.cli.conftest import Type
from tests.defects import noticed
from tests.e2e.running import fact
from tests.examples import COMPLETED, PROJECT, RENAMED, TASK, Facts, id7, project, task, workspace
from tests.projections import oracle
from tests.projections.asking import whole
from tests.reader import ReadingProcess, open_reading_process

TASKS = [id7(1_000 + number) for number in range(30)]
STORY: Facts = [*workspace(), *project(), *task(), (TASK, RENAMED)]
NAMES = sorted(all_projections())


@pytest.fixture
def _story(database: SyncConnection) -> None:
    oracle.write(database, STORY)
    oracle.catch_up(database)


def left(database: SyncConnection, name: str = "task_list") -> set[int]:
    """The builds of a projection, by their rows and by their tables: the same, or something was left."""
    found = database.execute(  # in one snapshot: somebody may be beginning one just now
        """select array(select build::int from read.builds where projection = %s),
             array(select substring(tablename from '[0-9]+$')::int from pg_tables
               where schemaname = 'read' and tablename ~ %s)""",
        (name, f"^{name}_[0-9]+$"),
    )
    rows, tables = found.fetchone() or ([], [])
    assert set(tables) == set(rows)
    return set(rows)


def spoil(database: SyncConnection, sql: str, name: str = "task_list") -> None:
    """Make live rows wrong."""
    database.execute(SQL(sql).format(oracle.build_of(database, name).table_name))


@pytest.mark.usefixtures("_story")
def test_differences_stop_the_switch_and_are_named_with_the_events_that_caused_them(
    database: SyncConnection, settings: Settings
) -> None:
    spoil(database, "update {} set title = 'Buy nothing'")
    live, before = oracle.build_of(database, "task_list"), oracle.shown(database, task_list.projection)
    outcome = oracle.rebuilt(settings.database_url, "task_list")
    assert (outcome.switched, outcome.differences) == (False, 1)
    (cause,) = outcome.first
    assert (cause.document, cause.fields) == (str(TASK), {"title": ("Buy nothing", "Buy bread")})
    assert cause.events == [(oracle.place(database, RENAMED), "TaskRenamed")]
    assert oracle.build_of(database, "task_list") == live
    assert oracle.shown(database, task_list.projection) == before
    assert left(database) == {live.number}
    assert oracle.rebuilt(settings.database_url, "task_list", RebuildOptions(1, expect_changes=True)).switched
    assert oracle.is_right(database)


PHASES = ["folding", "indexing", "catching up", "verifying", "switching"]


@pytest.mark.usefixtures("_story")
@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("error", [KeyboardInterrupt, psycopg.OperationalError], ids=["interrupted", "failed"])
def test_nothing_is_left_of_a_rebuild_that_breaks_off(
    database: SyncConnection, settings: Settings, phase: str, error: type[BaseException]
) -> None:
    live = oracle.build_of(database, "task_list")

    def breaking(step: RebuildProgress) -> None:
        if step.phase == phase:
            raise error

    with pytest.raises(error):
        told(settings, breaking)
    assert left(database) == {live.number}
    assert oracle.build_of(database, "task_list") == live
    assert oracle.is_right(database)
    assert oracle.rebuilt(settings.database_url, "task_list").switched


def told(settings: Settings, tell: Any, name: str = "task_list") -> Any:
    """A rebuild that tells of its steps."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("infra.rebuilding.rebuild.open_fold_pool", oracle._alone)  # noqa: SLF001 - a crew that is no process
        return ProjectionRebuild(settings.database_url, all_projections()[name], RebuildOptions(1), tell).run()


@pytest.mark.usefixtures("_story")
@pytest.mark.parametrize("name", NAMES)
def test_what_happens_during_a_rebuild_is_in_the_table_that_is_switched_to(
    database: SyncConnection, rival: SyncConnection, settings: Settings, name: str
) -> None:
    phases = list[str]()

    def writing(step: RebuildProgress) -> None:
        if step.phase not in phases:
            phases.append(step.phase)
            number = len(phases) + 1
            oracle.write(rival, task(COMPLETED, task_id=id7(2_000 + number), number=number))
            if number % 2:
                oracle.catch_up(rival)
            positions.append(oracle.position(rival, name))

    positions = [oracle.position(database, name)]
    outcome = told(settings, writing, name)
    assert set(phases) >= set(PHASES)
    assert (outcome.switched, outcome.compared, outcome.differences) == (True, True, 0)
    assert oracle.position(database, name) >= max(positions)
    oracle.catch_up(database)
    assert oracle.is_right(database)


def no_answer_is_ever_wrong_while_switches_happen(
    database: SyncConnection, settings: Settings, monkeypatch: pytest.MonkeyPatch, switches: int
) -> None:
    """Somebody asks all the time for tasks that are known, others rename them, and the table is rebuilt meanwhile."""
    monkeypatch.setattr("infra.rebuilding.rebuild.MAX_SWITCH_LAG_EVENTS", 5)
    created = [fact for number, each in enumerate(TASKS, 1) for fact in task(task_id=each, number=number)]
    oracle.write(database, [*workspace(), *project(), *created])
    oracle.catch_up(database)
    over, problems, answers = threading.Event(), list[str](), list[int]()
    threads = [
        threading.Thread(target=asyncio.run, args=(_ask(settings, over, problems, answers),)),
        threading.Thread(target=_rename, args=(settings, over)),
    ]
    for thread in threads:
        thread.start()
    try:
        fact(lambda: answers, patience=20)
        for _ in range(switches):
            begun = len(answers)
            ProjectionRebuild(
                settings.database_url, all_projections()["task_list"], RebuildOptions(1), lambda _: None
            ).run()
            fact(lambda begun=begun: len(answers) > begun or problems, patience=20)  # type: ignore[misc]
    finally:
        over.set()
        for thread in threads:
            thread.join()
    assert not problems, problems[:3]
    assert len(set(answers)) > switches, "nothing was written meanwhile"
    oracle.catch_up(database)
    assert oracle.is_right(database)


async def _ask(settings: Settings, over: threading.Event, problems: list[str], answers: list[int]) -> None:
    """As an API process does; every answer has all tasks, none of them older than it was."""
    async with open_reading_process(settings) as here:
        await _look(here, over, problems, answers)


async def _look(here: ReadingProcess, over: threading.Event, problems: list[str], answers: list[int]) -> None:
    versions, last = dict.fromkeys(map(str, TASKS), 0), 0
    while not over.is_set():
        try:
            found = await here.reading.answer(whole(PROJECT))
            position = found.position
            body: dict[str, Any] = msgspec.json.decode(found.answer.body) if found.answer else {"items": []}
            seen = {each["id"]: each["version"] for each in body["items"]}
            rows = await here.querying.fetch_rows(task_list.IDS_BY_KEY_SQL, ("HOME-1",))
        except Exception as error:  # noqa: BLE001 - a reader meets no error whatever
            problems.append(repr(error))
            break
        if seen.keys() != versions.keys() or len(rows) != 1:
            problems.append(f"{len(seen)} rows of {len(versions)} at {position}")
        elif position < last or any(seen[each] < versions[each] for each in seen):
            problems.append(f"back from {last} to {position}")
        else:
            versions, last = seen, position
        answers.append(position)


def _rename(settings: Settings, over: threading.Event) -> None:
    projector = Projector(settings.database_url, 1, lambda _: None)
    with connect(settings.database_url) as connection:
        number = 0
        while not over.wait(0.005):
            number += 1
            oracle.write(connection, [(TASKS[number % len(TASKS)], TaskRenamed(Change("a", f"title {number}")))])
            projector.project(0)
    projector.close()


@pytest.fixture
def _alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("infra.rebuilding.rebuild.open_fold_pool", oracle._alone)  # noqa: SLF001 - a crew that is no process


@pytest.mark.usefixtures("_alone")
def test_no_answer_is_ever_empty_half_wrong_or_older_than_the_one_before(
    database: SyncConnection, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    switches = 200 if "TASKLEDGER_TEST_KILLS" in os.environ else 8
    no_answer_is_ever_wrong_while_switches_happen(database, settings, monkeypatch, switches)


def test_a_table_that_is_truncated_and_refilled_is_noticed(
    database: SyncConnection, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refilled(_: ProjectionRebuild) -> None:
        with connect(settings.database_url) as connection:
            build = oracle.build_of(connection, "task_list")
            spoil(connection, "truncate {}")
            connection.execute("update read.checkpoints set position = 0 where build = %s", (build.number,))
            advance.catch_up(connection, build, log.load_after, log.head(connection))

    monkeypatch.setattr(ProjectionRebuild, "run", refilled)
    noticed(lambda: no_answer_is_ever_wrong_while_switches_happen(database, settings, monkeypatch, 8))


@pytest.mark.usefixtures("_alone")
def test_a_switch_before_the_build_has_caught_up_is_noticed(
    database: SyncConnection, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ProjectionRebuild, "_catch_up_frozen", lambda *_: None)
    noticed(lambda: no_answer_is_ever_wrong_while_switches_happen(database, settings, monkeypatch, 8))


@pytest.mark.usefixtures("_story")
def test_going_back_answers_with_the_build_from_before_and_all_that_came_since(
    database: SyncConnection, settings: Settings, typed: Type
) -> None:
    before = oracle.build_of(database, "task_list")
    assert "nothing to go back to" in str(typed("projections", "rollback", "task_list").exception)
    assert oracle.rebuilt(settings.database_url, "task_list").switched
    fresh = oracle.build_of(database, "task_list")
    oracle.write(database, [(TASK, COMPLETED)])
    oracle.catch_up(database)
    back = typed("projections", "rollback", "task_list")
    assert (back.exit_code, oracle.build_of(database, "task_list")) == (0, before)
    assert oracle.is_right(database)
    assert left(database) == {before.number, fresh.number}


@pytest.mark.usefixtures("_story")
def test_a_table_that_was_dropped_by_hand_is_made_again(database: SyncConnection, settings: Settings) -> None:
    spoil(database, "drop table {}")
    outcome = oracle.rebuilt(settings.database_url, "task_list")
    assert (outcome.switched, outcome.compared) == (True, False)
    assert oracle.is_right(database)


@pytest.mark.usefixtures("_story")
def test_a_second_rebuild_is_refused_in_one_line(database: SyncConnection, rival: SyncConnection, typed: Type) -> None:
    assert builds.try_lock(rival, task_list.projection)
    assert builds.is_locked(database, task_list.projection)
    assert not builds.is_locked(database, all_projections()["activity"])
    for words in (("rebuild", "task_list"), ("verify", "task_list"), ("rollback", "task_list")):
        refused = typed("projections", *words)
        assert "is being rebuilt" in str(refused.exception)
        assert "\n" not in str(refused.exception)
    assert left(database) == {oracle.build_of(database, "task_list").number}


@pytest.mark.usefixtures("_story")
def test_a_table_that_somebody_reads_for_long_is_left_for_the_next_time(
    database: SyncConnection, rival: SyncConnection, settings: Settings
) -> None:
    """A backup, perhaps: the rebuild is done all the same."""
    url = settings.database_url
    before = oracle.build_of(database, "task_list").number
    assert oracle.rebuilt(url, "task_list").switched
    with rival.transaction():
        rival.execute(SQL("select from {}").format(builds.Build(before, task_list.projection, 1).table_name))
        assert oracle.rebuilt(url, "task_list").switched
        assert before in left(database)
    assert oracle.rebuilt(url, "task_list").switched
    assert before not in left(database)
    assert len(left(database)) == 2


@pytest.mark.parametrize("name", ["project_list", "workspace_list"])
def test_more_documents_than_there_is_room_for_are_folded_in_turns(
    database: SyncConnection, settings: Settings, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    facts: Facts = []
    for number in range(20):
        place = id7(3_000 + number)
        facts += [*workspace(id7(4_000 + number)), *project(place, f"KEY{number}")]
    oracle.write(database, facts)
    for number in range(20):
        oracle.write(database, workspace(id7(5_000 + number)), id7(5_000 + number))
    oracle.catch_up(database)
    monkeypatch.setattr(full_fold, "MAX_DOCUMENTS", 3)
    monkeypatch.setattr(full_fold, "CHUNK_EVENTS", 7)
    parts = list[Any]()
    fill = worker_pool.fold_part

    def counted(*arguments: Any) -> Any:
        parts.append(arguments[-1])
        return fill(*arguments)

    monkeypatch.setattr(worker_pool, "fold_part", counted)
    outcome = oracle.rebuilt(settings.database_url, name)
    assert (outcome.switched, outcome.differences) == (True, 0)
    if name == "workspace_list":
        assert outcome.documents >= 20
    assert len(parts) > 5
    assert oracle.is_right(database)


@contextmanager
def stopped_in_the_middle(
    database: SyncConnection, rival: SyncConnection, environment: dict[str, str], data: Path
) -> Iterator[tuple[subprocess.Popen[bytes], set[int]]]:
    """The command, and its crew: stopped while it writes the first rows of a new table."""
    known = left(database)
    argv = [sys.executable, "-P", "-m", "cli.main", "projections", "rebuild", "task_list", "--workers", "2"]
    with subprocess.Popen(
        [*argv, "--data", str(data)], env={**os.environ, **environment}, stdout=-1, stderr=-1
    ) as command:
        (number,) = fact(lambda: left(database) - known)
        with rival.transaction():
            table = builds.Build(number, task_list.projection, 1).table_name
            rival.execute(SQL("lock table {} in share mode").format(table))
            fact(lambda: waiting(database))
            members = {pid for pid in descendants(command.pid) if "spawn_main" in words(pid)}
            assert members
            for pid in members:
                os.kill(pid, signal.SIGSTOP)
        yield command, members
    fact(lambda: not any(words(pid) for pid in members))


def waiting(database: SyncConnection) -> bool:
    sql = """select from pg_stat_activity where application_name = %s and datname = current_database()
      and wait_event_type = 'Lock' and query ilike 'copy %%'"""
    return bool(database.execute(sql, (worker_pool.APPLICATION_NAME,)).fetchall())


def descendants(pid: int) -> set[int]:
    children = {int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()}
    return children.union(*(descendants(child) for child in children))


def words(pid: int) -> str:
    """What a living process runs."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    except OSError:
        return ""


@pytest.mark.usefixtures("_story")
@pytest.mark.parametrize("victim", ["command", "crew", "nobody"])
def test_a_rebuild_that_is_killed_touches_nothing_and_the_next_one_starts_clean(  # noqa: PLR0913, PLR0917 - fixtures
    database: SyncConnection,
    rival: SyncConnection,
    settings: Settings,
    environment: dict[str, str],
    tmp_path: Path,
    victim: str,
) -> None:
    """Killed with SIGKILL, or interrupted; the crew ends with the command."""
    live = oracle.build_of(database, "task_list")
    with stopped_in_the_middle(database, rival, environment, tmp_path) as (command, members):
        if victim == "nobody":
            command.send_signal(signal.SIGINT)
        else:
            os.kill(min(members) if victim == "crew" else command.pid, signal.SIGKILL)
        if victim == "command":
            for pid in members:
                os.kill(pid, signal.SIGCONT)  # they were stopped for the test's sake
        _, said = command.communicate(timeout=30)
    if victim != "command":
        assert left(database) == {live.number}
        assert (command.returncode, len(said.strip().splitlines())) == ((2, 1) if victim == "crew" else (130, 0)), (
            said.decode()
        )
    assert oracle.build_of(database, "task_list") == live
    assert oracle.is_right(database)
    outcome = fact(lambda: rebuilt_once_let(settings))
    assert (outcome.switched, outcome.differences) == (True, 0)
    assert left(database) == {live.number, oracle.build_of(database, "task_list").number}
    assert oracle.is_right(database)


def rebuilt_once_let(settings: Settings) -> Any:
    """The server takes a moment to notice that the killed command is gone."""
    try:
        return oracle.rebuilt(settings.database_url, "task_list")
    except OperatorError:
        return None
