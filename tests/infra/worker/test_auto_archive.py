"""The automatic archive: done tasks that have not changed for long enough, and nothing else."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from commands.archive import ArchiveByRule
from domain.event import Change
from domain.instance import RULE_ACTOR
from domain.project import ArchiveRuleSet
from domain.task import TaskArchived
from infra.database.connections import connect
from infra.settings import Settings
from infra.worker import auto_archive
from infra.worker.auto_archive import AutoArchive
from infra.worker.housekeeping import Housekeeping
from projections.engine.connection import SyncConnection
from tests.examples import (
    ARCHIVE_RULE_SET,
    COMPLETED,
    OTHER_TASK,
    PROJECT,
    PROJECT_TRASHED,
    RENAMED,
    REOPENED,
    TASK,
    Facts,
    fixed_uuid7,
    project,
    task,
    user,
    workspace,
)
from tests.planted_defects import an_unchecked_expected_version, assert_check_fails
from tests.projections import oracle

RULE: Facts = [(PROJECT, ARCHIVE_RULE_SET)]
"""After 30 days."""


@pytest.fixture
def archive(settings: Settings) -> AutoArchive:
    return AutoArchive(settings.database_url)


def in_days(days: int) -> datetime:
    """So many days after all events of the test."""
    return datetime.now(UTC) + timedelta(minutes=1, days=days)


def append_and_fold(database: SyncConnection, *facts: Facts) -> None:
    oracle.append_facts(database, [fact for several in facts for fact in several])
    oracle.catch_up(database)


def seed_project(database: SyncConnection, *more: Facts) -> None:
    append_and_fold(database, user(), workspace(), project(), *more)


def archived(database: SyncConnection) -> list[UUID]:
    """The archived tasks, in the order of the log."""
    oracle.catch_up(database)
    return [one.stream for one in oracle.all_events(database) if isinstance(one.event, TaskArchived)]


def test_a_done_task_is_archived_after_the_days_of_its_project(database: SyncConnection, archive: AutoArchive) -> None:
    seed_project(database, RULE, task(COMPLETED), task(task_id=OTHER_TASK, number=2))
    assert not archive.archive_page(database, in_days(29))
    assert archived(database) == []
    for _ in range(2):
        assert not archive.archive_page(database, in_days(30))
        assert archived(database) == [TASK]
    *_, last = oracle.all_events(database)
    assert (last.actor, last.trace.causation_id, last.workspace_id is not None) == (RULE_ACTOR, "archive", True)
    assert oracle.matches_log(database)


@pytest.mark.parametrize(
    "facts",
    [[], [*RULE, (PROJECT, ArchiveRuleSet(Change(30, None)))], [*RULE, (PROJECT, PROJECT_TRASHED)]],
    ids=["without a rule", "without a rule any longer", "in the trash"],
)
def test_a_project_without_a_rule_or_in_the_trash_is_left_alone(
    facts: Facts, database: SyncConnection, archive: AutoArchive
) -> None:
    seed_project(database, task(COMPLETED), facts)
    archive.archive_page(database, in_days(400))
    assert archived(database) == []


def a_task_changed_meanwhile_is_not_archived(settings: Settings) -> None:
    """The read models are not up to date yet."""
    with connect(settings.database_url) as database:
        seed_project(database, RULE, task(COMPLETED))
        oracle.append_facts(database, [(TASK, RENAMED)])
        AutoArchive(settings.database_url).archive_page(database, in_days(31))
        assert archived(database) == []


def test_a_task_changed_meanwhile_is_not_archived(settings: Settings) -> None:
    a_task_changed_meanwhile_is_not_archived(settings)


def test_a_version_that_is_not_checked_is_noticed(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    an_unchecked_expected_version(monkeypatch)
    assert_check_fails(lambda: a_task_changed_meanwhile_is_not_archived(settings))


def test_a_refused_task_does_not_hold_up_the_others(
    database: SyncConnection, archive: AutoArchive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(auto_archive, "MAX_ARCHIVED_AT_ONCE", 2)
    ids = [fixed_uuid7(100 + number) for number in range(5)]
    tasks = [fact for number, each in enumerate(ids) for fact in task(COMPLETED, task_id=each, number=number + 1)]
    seed_project(database, RULE, tasks)
    oracle.append_facts(database, [(each, REOPENED) for each in ids[:2]])
    assert [archive.archive_page(database, in_days(31)) for _ in range(3)] == [True, True, False]
    assert archived(database) == ids[2:]


def test_housekeeping_archives(database: SyncConnection, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    seed_project(database, RULE, task(COMPLETED))
    monkeypatch.setattr("infra.worker.housekeeping.clock.now", lambda: in_days(31))
    housekeeping = Housekeeping(settings)
    housekeeping.run_once()
    housekeeping.close()
    assert archived(database) == [TASK]


def test_only_the_installation_archives_by_rule() -> None:
    assert not ArchiveByRule.is_batchable
