"""The trash purge: items past their retention are purged, and nothing else, also after a crash."""

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from msgspec.structs import replace

from domain.column import ColumnCounted, column_stream_id
from domain.comment import CommentPurged
from domain.event import Event
from domain.instance import RULE_ACTOR
from domain.project import ProjectPurged
from domain.task import TaskPurged
from domain.time_entry import TimeEntryPurged
from domain.workspace import WorkspacePurged, WorkspaceRestored, WorkspaceTrashed
from infra.database.connections import connect
from infra.logs import logger
from infra.settings import Settings
from infra.worker import trash_purge
from infra.worker.housekeeping import Housekeeping
from infra.worker.trash_purge import TrashPurge
from projections import comment_list, project_list, task_list, time_entry_list, trash, workspace_list
from projections.engine.connection import SyncConnection
from tests.examples import (
    COMMENT,
    COMMENT_DELETED,
    OTHER_TASK,
    PROJECT,
    PROJECT_RESTORED,
    PROJECT_TRASHED,
    RENAMED,
    REPLY,
    RESTORED,
    TASK,
    TRASHED,
    WORKSPACE,
    Facts,
    comment,
    fixed_uuid7,
    project,
    task,
    time_entry,
    user,
    workspace,
)
from tests.planted_defects import an_unchecked_expected_version, assert_check_fails
from tests.projections import oracle


@pytest.fixture
def purge(settings: Settings) -> TrashPurge:
    return TrashPurge(settings.database_url)


def cutoff(days: int = 0) -> datetime:
    """A moment after all events of the test, or that many days earlier."""
    return datetime.now(UTC) + timedelta(minutes=1) - timedelta(days=days)


def append_and_fold(database: SyncConnection, *facts: Facts) -> None:
    oracle.append_facts(database, [fact for several in facts for fact in several])
    oracle.catch_up(database)


def seed_project(database: SyncConnection, *more: Facts) -> None:
    append_and_fold(database, user(), workspace(), project(), *more)


def purge_events(database: SyncConnection) -> list[Event]:
    """The purged items, in the order of the log."""
    oracle.catch_up(database)
    return [one.event for one in oracle.all_events(database) if "Purged" in type(one.event).__name__]


def task_facts(count: int, *each: Event) -> Facts:
    return [fact for at in range(count) for fact in task(*each, task_id=fixed_uuid7(100 + at), number=at + 1)[1:]]


def test_old_trash_is_purged_from_every_list(database: SyncConnection, purge: TrashPurge) -> None:
    seed_project(database, task(TRASHED), task(RENAMED, task_id=OTHER_TASK, number=2))
    assert not purge.purge_page(database, cutoff(days=1))
    assert purge_events(database) == []
    assert not purge.purge_page(database, cutoff())
    assert purge_events(database) == [TaskPurged(PROJECT)]
    assert oracle.serving_rows(database, task_list.projection).keys() == {OTHER_TASK}
    assert oracle.serving_rows(database, trash.projection) == {}
    assert oracle.matches_log(database)


def test_a_task_is_purged_together_with_its_comments_and_time(database: SyncConnection, purge: TrashPurge) -> None:
    reply = comment(COMMENT_DELETED, comment_id=REPLY, reply_to=COMMENT)
    seed_project(
        database, task(), comment(), reply, time_entry(), [(TASK, TRASHED)], task(task_id=OTHER_TASK, number=2)
    )
    purge.purge_page(database, cutoff())
    of_comment, of_time = CommentPurged(TASK, PROJECT), TimeEntryPurged(TASK, PROJECT)
    assert purge_events(database) == [TaskPurged(PROJECT), of_comment, of_comment, of_time]
    assert len({one.command_id for one in oracle.all_events(database)[-4:]}) == 1
    assert oracle.serving_rows(database, comment_list.projection) == {}
    assert oracle.serving_rows(database, time_entry_list.projection) == {}


def test_purge_events_name_the_rule_and_its_cause(database: SyncConnection, purge: TrashPurge) -> None:
    seed_project(database, task(TRASHED))
    purge.purge_page(database, cutoff())
    *_, last = oracle.all_events(database)
    assert (last.actor, last.trace.causation_id, last.workspace_id is not None) == (RULE_ACTOR, "trash", True)


def a_task_restored_meanwhile_is_not_purged(settings: Settings) -> None:
    """The item was just trashed again, and the read models are not up to date yet."""
    with connect(settings.database_url) as database:
        seed_project(database, task(TRASHED), [(PROJECT, PROJECT_TRASHED)])
        oracle.append_facts(
            database, [(TASK, RESTORED), (TASK, TRASHED), (PROJECT, PROJECT_RESTORED), (PROJECT, PROJECT_TRASHED)]
        )
        TrashPurge(settings.database_url).purge_page(database, cutoff())
        assert purge_events(database) == []


def test_a_task_restored_meanwhile_is_not_purged(settings: Settings) -> None:
    a_task_restored_meanwhile_is_not_purged(settings)


def test_a_purge_that_ignores_the_version_is_noticed(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    an_unchecked_expected_version(monkeypatch)
    assert_check_fails(lambda: a_task_restored_meanwhile_is_not_purged(settings))


def test_a_project_is_purged_with_its_tasks_in_batches(
    database: SyncConnection, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A new purge continues each time, as after a crash."""
    monkeypatch.setattr(trash_purge, "MAX_PURGES_AT_ONCE", 2)
    counted: Facts = [(column_stream_id(PROJECT, "todo"), ColumnCounted(3))]
    seed_project(
        database, task_facts(5), task(TRASHED, task_id=OTHER_TASK, number=9), counted, [(PROJECT, PROJECT_TRASHED)]
    )
    counts = list[int]()
    while TrashPurge(settings.database_url).purge_page(database, cutoff()):
        counts.append(len(purge_events(database)))
    assert counts == [2, 4, 6]
    assert len(purge_events(database)) == 7
    assert (
        oracle.serving_rows(database, task_list.projection)
        == oracle.serving_rows(database, project_list.projection)
        == {}
    )
    assert [row.purged for row in oracle.serving_rows(database, trash.projection).values()] == [True]
    assert oracle.matches_log(database)


def test_a_stuck_row_does_not_block_the_purge(
    database: SyncConnection, purge: TrashPurge, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows of purged tasks, such as those of a parked document, are skipped."""
    monkeypatch.setattr(trash_purge, "MAX_PURGES_AT_ONCE", 2)
    seed_project(database, task_facts(5, TRASHED))
    monkeypatch.setattr(oracle, "catch_up", lambda _: None)
    assert [purge.purge_page(database, cutoff()) for _ in range(3)] == [True, True, False]
    assert len(purge_events(database)) == 5


@pytest.fixture
def warning_lines() -> Iterator[list[str]]:
    lines = list[str]()
    sink = logger.add(lines.append, level="WARNING", format="{message}")
    yield lines
    logger.remove(sink)


def append_unknown_event(settings: Settings, task: UUID) -> None:
    """Newer code wrote an event of the item."""
    with connect(settings.migration_url) as owner:
        owner.execute(
            """insert into log.events (originator_id, originator_version, topic, state, actor_id, workspace_id)
               select %s, max(originator_version) + 1, 'TaskPondered', '{"type":"TaskPondered"}', %s, %s
               from log.events where originator_id = %s""",
            (task, task, WORKSPACE, task),
        )


@pytest.mark.parametrize("is_folded", [True, False])
def test_an_unreadable_task_is_logged_once_and_blocks_no_other(
    database: SyncConnection, settings: Settings, purge: TrashPurge, warning_lines: list[str], *, is_folded: bool
) -> None:
    seed_project(database, task_facts(6, TRASHED))
    append_unknown_event(settings, fixed_uuid7(102))
    if is_folded:
        oracle.catch_up(database)
    for _ in range(3):
        assert not purge.purge_page(database, cutoff())
        assert len(purge_events(database)) == 5
    warnings = [line for line in warning_lines if "cannot be purged" in line]
    assert [line.split(":")[:2] for line in warnings] == [[f"{fixed_uuid7(102)} cannot be purged", " UnknownEvent"]]


def test_a_stuck_task_of_a_purged_project_does_not_block_the_purge(
    database: SyncConnection, settings: Settings, purge: TrashPurge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trash_purge, "MAX_PURGES_AT_ONCE", 2)
    seed_project(database, task_facts(5), [(PROJECT, PROJECT_TRASHED), (PROJECT, ProjectPurged())])
    for stuck in range(2):
        append_unknown_event(settings, fixed_uuid7(100 + stuck))
    looks = [purge.purge_page(database, cutoff()) for _ in range(3)]
    assert looks == [True, True, False]
    assert [type(event) for event in purge_events(database)] == [ProjectPurged, TaskPurged, TaskPurged, TaskPurged]


def test_a_failed_purge_is_retried_later(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
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


def test_an_empty_trash_opens_no_connection_pool(
    database: SyncConnection, purge: TrashPurge, monkeypatch: pytest.MonkeyPatch
) -> None:
    seed_project(database, task())
    monkeypatch.setattr("infra.worker.rule_commands.create_pool", None)
    assert not purge.purge_page(database, cutoff())


def test_housekeeping_purges_periodically(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
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


def test_housekeeping_purges_the_trash(database: SyncConnection, settings: Settings) -> None:
    seed_project(database, task(TRASHED))
    with closing(Housekeeping(replace(settings, trash_days=0))) as keeper:
        keeper.run_once()
    assert purge_events(database) == [TaskPurged(PROJECT)]


def a_workspace_is_purged_with_its_projects_and_tasks(database: SyncConnection, purge: TrashPurge) -> None:
    seed_project(database, task(RENAMED), [(WORKSPACE, WorkspaceTrashed("Home"))])
    assert not purge.purge_page(database, cutoff(days=1))
    assert purge_events(database) == []
    for _ in range(3):
        purge.purge_page(database, cutoff())
        oracle.catch_up(database)
    assert purge_events(database) == [WorkspacePurged(), ProjectPurged(), TaskPurged(PROJECT)]
    for projection in (task_list.projection, project_list.projection, workspace_list.projection):
        assert oracle.serving_rows(database, projection) == {}


def test_a_workspace_is_purged_with_its_projects_and_tasks(database: SyncConnection, purge: TrashPurge) -> None:
    a_workspace_is_purged_with_its_projects_and_tasks(database, purge)


def test_a_purged_workspace_whose_projects_stay_is_noticed(
    database: SyncConnection, purge: TrashPurge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(TrashPurge, "_fetch_orphaned_projects", lambda *_: [])
    assert_check_fails(lambda: a_workspace_is_purged_with_its_projects_and_tasks(database, purge))


def test_a_workspace_that_is_purged_at_once_is_noticed(
    database: SyncConnection, purge: TrashPurge, monkeypatch: pytest.MonkeyPatch
) -> None:
    purge_page = TrashPurge.purge_page
    monkeypatch.setattr(TrashPurge, "purge_page", lambda purge, database, _: purge_page(purge, database, cutoff()))
    assert_check_fails(lambda: a_workspace_is_purged_with_its_projects_and_tasks(database, purge))


def test_a_restored_workspace_is_kept(database: SyncConnection, purge: TrashPurge) -> None:
    trashed_and_restored = [(WORKSPACE, WorkspaceTrashed("Home")), (WORKSPACE, WorkspaceRestored())]
    seed_project(database, task(RENAMED), trashed_and_restored)
    purge.purge_page(database, cutoff())
    assert purge_events(database) == []
