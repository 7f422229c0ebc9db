"""Purging: what was in the trash for long enough is gone, nothing else is, and whoever dies over it changes nothing."""

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from msgspec.structs import replace

from domain.column import ColumnCounted, column_stream_id
from domain.event import Event
from domain.project import ProjectPurged
from domain.task import TaskPurged
from domain.user import RULE_ACTOR
from infra.database.pool import connect
from infra.logs import logger
from infra.settings import Settings
from infra.worker import trash_purge
from infra.worker.housekeeping import Housekeeping
from infra.worker.trash_purge import TrashPurge
from projections import project_list, task_list, trash
from projections.engine.builds import SyncConnection
from tests.defects import a_version_that_nobody_checks, noticed
from tests.examples import (
    OTHER_TASK,
    PROJECT,
    PROJECT_RESTORED,
    PROJECT_TRASHED,
    RENAMED,
    RESTORED,
    TASK,
    TRASHED,
    WORKSPACE,
    Facts,
    id7,
    project,
    task,
    user,
    workspace,
)
from tests.projections import oracle


@pytest.fixture
def database(settings: Settings) -> Iterator[SyncConnection]:
    with connect(settings.database_url) as connection:
        yield connection


@pytest.fixture
def purge(settings: Settings) -> TrashPurge:
    return TrashPurge(settings.database_url)


def later(days: int = 0) -> datetime:
    """A moment after all that has happened here, or so many days before."""
    return datetime.now(UTC) + timedelta(minutes=1) - timedelta(days=days)


def happened(database: SyncConnection, *facts: Facts) -> None:
    oracle.write(database, [fact for several in facts for fact in several])
    oracle.catch_up(database)


def house(database: SyncConnection, *more: Facts) -> None:
    happened(database, user(), workspace(), project(), *more)


def gone(database: SyncConnection) -> list[Event]:
    """What was purged, in the order of the log."""
    oracle.catch_up(database)
    return [one.event for one in oracle.all_events(database) if "Purged" in type(one.event).__name__]


def tasks(count: int, *each: Event) -> Facts:
    return [fact for at in range(count) for fact in task(*each, task_id=id7(100 + at), number=at + 1)[1:]]


def test_what_was_trashed_long_ago_is_gone_from_every_list(database: SyncConnection, purge: TrashPurge) -> None:
    house(database, task(TRASHED), task(RENAMED, task_id=OTHER_TASK, number=2))
    assert not purge.purge_page(database, later(days=1))
    assert gone(database) == []
    assert not purge.purge_page(database, later())
    assert gone(database) == [TaskPurged(PROJECT)]
    assert oracle.shown(database, task_list.projection).keys() == {OTHER_TASK}
    assert oracle.shown(database, trash.projection) == {}
    assert oracle.is_right(database)


def test_it_is_a_rule_that_purges_and_says_why(database: SyncConnection, purge: TrashPurge) -> None:
    house(database, task(TRASHED))
    purge.purge_page(database, later())
    *_, last = oracle.all_events(database)
    assert (last.actor, last.trace.causation_id, last.workspace_id is not None) == (RULE_ACTOR, "trash", True)


def what_was_taken_out_in_between_stays(settings: Settings) -> None:
    """It is in the trash again, since a moment ago, and the read models have not heard of that yet."""
    with connect(settings.database_url) as database:
        house(database, task(TRASHED), [(PROJECT, PROJECT_TRASHED)])
        oracle.write(
            database, [(TASK, RESTORED), (TASK, TRASHED), (PROJECT, PROJECT_RESTORED), (PROJECT, PROJECT_TRASHED)]
        )
        TrashPurge(settings.database_url).purge_page(database, later())
        assert gone(database) == []


def test_what_was_taken_out_in_between_stays(settings: Settings) -> None:
    what_was_taken_out_in_between_stays(settings)


def test_a_purge_that_ignores_the_version_is_noticed(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    a_version_that_nobody_checks(monkeypatch)
    noticed(lambda: what_was_taken_out_in_between_stays(settings))


def test_a_project_goes_with_all_its_tasks_a_piece_at_each_look(
    database: SyncConnection, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And whoever goes on is another one each time, as after a crash."""
    monkeypatch.setattr(trash_purge, "MAX_PURGES_AT_ONCE", 2)
    counted: Facts = [(column_stream_id(PROJECT, "todo"), ColumnCounted(3))]
    house(database, tasks(5), task(TRASHED, task_id=OTHER_TASK, number=9), counted, [(PROJECT, PROJECT_TRASHED)])
    counts = list[int]()
    while TrashPurge(settings.database_url).purge_page(database, later()):
        counts.append(len(gone(database)))
    assert counts == [2, 4, 6]
    assert len(gone(database)) == 7
    assert oracle.shown(database, task_list.projection) == oracle.shown(database, project_list.projection) == {}
    assert [row.purged for row in oracle.shown(database, trash.projection).values()] == [True]
    assert oracle.is_right(database)


def test_what_is_stuck_holds_up_nothing_behind_it(
    database: SyncConnection, purge: TrashPurge, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows that are there and whose tasks are not, as where a document was parked, are looked at and left."""
    monkeypatch.setattr(trash_purge, "MAX_PURGES_AT_ONCE", 2)
    house(database, tasks(5, TRASHED))
    monkeypatch.setattr(oracle, "catch_up", lambda _: None)
    assert [purge.purge_page(database, later()) for _ in range(3)] == [True, True, False]
    assert len(gone(database)) == 5


@pytest.fixture
def warned() -> Iterator[list[str]]:
    lines = list[str]()
    sink = logger.add(lines.append, level="WARNING", format="{message}")
    yield lines
    logger.remove(sink)


def unreadable(settings: Settings, task: UUID) -> None:
    """Newer code wrote of it."""
    with connect(settings.migration_url) as owner:
        owner.execute(
            """insert into log.events (originator_id, originator_version, topic, state, actor_id, workspace_id)
               select %s, max(originator_version) + 1, 'TaskPondered', '{"type":"TaskPondered"}', %s, %s
               from log.events where originator_id = %s""",
            (task, task, WORKSPACE, task),
        )


@pytest.mark.parametrize("is_folded", [True, False])
def test_what_nobody_can_read_is_told_of_once_and_keeps_nothing_else(
    database: SyncConnection, settings: Settings, purge: TrashPurge, warned: list[str], *, is_folded: bool
) -> None:
    house(database, tasks(6, TRASHED))
    unreadable(settings, id7(102))
    if is_folded:
        oracle.catch_up(database)
    for _ in range(3):
        assert not purge.purge_page(database, later())
        assert len(gone(database)) == 5
    told = [line for line in warned if "cannot be purged" in line]
    assert [line.split(":")[:2] for line in told] == [[f"{id7(102)} cannot be purged", " UnknownEvent"]]


def test_what_is_stuck_of_a_project_that_is_gone_holds_up_nothing_behind_it(
    database: SyncConnection, settings: Settings, purge: TrashPurge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trash_purge, "MAX_PURGES_AT_ONCE", 2)
    house(database, tasks(5), [(PROJECT, PROJECT_TRASHED), (PROJECT, ProjectPurged())])
    for stuck in range(2):
        unreadable(settings, id7(100 + stuck))
    looks = [purge.purge_page(database, later()) for _ in range(3)]
    assert looks == [True, True, False]
    assert [type(event) for event in gone(database)] == [ProjectPurged, TaskPurged, TaskPurged, TaskPurged]


def test_a_look_that_fails_is_made_again_in_time_and_not_at_once(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = list[datetime]()

    def fails(_: Any, __: Any, before: datetime) -> bool:
        looks.append(before)
        raise ValueError("sour")

    monkeypatch.setattr(TrashPurge, "purge_page", fails)
    with closing(Housekeeping(settings)) as keeper:
        with pytest.raises(RuntimeError, match="sour"):
            keeper.run_once()
        keeper.run_once()
    assert len(looks) == 1


def test_an_empty_trash_costs_a_look(
    database: SyncConnection, purge: TrashPurge, monkeypatch: pytest.MonkeyPatch
) -> None:
    house(database, task())
    monkeypatch.setattr("infra.worker.trash_purge.create_pool", None)
    assert not purge.purge_page(database, later())


def test_the_keeper_looks_now_and_then(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    looks = list[datetime]()

    def look(_: Any, __: Any, before: datetime) -> bool:
        looks.append(before)
        return len(looks) < 3

    monkeypatch.setattr(TrashPurge, "purge_page", look)
    with closing(Housekeeping(replace(settings, trash_days=10))) as keeper:
        for _ in range(5):
            keeper.run_once()
    assert len(looks) == 3
    assert timedelta(days=9) < datetime.now(UTC) - looks[0] < timedelta(days=11)


def test_the_keeper_purges(database: SyncConnection, settings: Settings) -> None:
    house(database, task(TRASHED))
    with closing(Housekeeping(replace(settings, trash_days=0))) as keeper:
        keeper.run_once()
    assert gone(database) == [TaskPurged(PROJECT)]
