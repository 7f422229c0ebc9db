"""A log folded in parts by several processes gives the rows that one fold from the first event on gives."""

from uuid import UUID, uuid4

import pytest
from msgspec.structs import replace

from domain.event import Event
from domain.rank import RanksRebalanced, ranks_stream_id
from domain.task import TaskCompleted, TaskCreated
from infra.log import slices
from infra.rebuilding import rebuild
from infra.rebuilding.fold_pool import LogPart, split_log
from infra.rebuilding.outcome import RebuildOutcome
from infra.rebuilding.rebuild import ProjectionRebuild, RebuildOptions
from infra.settings import Settings
from projections.engine.connection import SyncConnection
from projections.projection import all_projections
from tests.examples import COMPLETED, LABELLED, RENAMED, fixed_uuid7, project, task, workspace
from tests.planted_defects import assert_check_fails
from tests.projections import oracle

pytestmark = pytest.mark.slow

WORKSPACES = [fixed_uuid7(7_000 + number) for number in range(5)]
TASKS_PER_WORKSPACE = 4
EVENTS_PER_PART = 6


@pytest.fixture
def _log_of_workspaces(database: SyncConnection, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each workspace has its events all over the log."""
    projects = [fixed_uuid7(7_100 + number) for number in range(len(WORKSPACES))]
    for number, (each, home) in enumerate(zip(WORKSPACES, projects, strict=True)):
        oracle.append_facts(database, [*workspace(each), *project(home, f"KEY{number}")], each)
    for number in range(1, TASKS_PER_WORKSPACE + 1):
        for each, home in zip(WORKSPACES, projects, strict=True):
            created = uuid4()
            facts = task(*(RENAMED, LABELLED, COMPLETED)[:number], task_id=created, number=number)
            oracle.append_facts(database, [(stream, _in_project(event, home)) for stream, event in facts], each)
            rebalanced = RanksRebalanced("a", {created: f"a{number}"})
            oracle.append_facts(database, [(ranks_stream_id(home), rebalanced)], each)
    oracle.catch_up(database)
    monkeypatch.setattr("infra.rebuilding.fold_pool.EVENTS_PER_PART", EVENTS_PER_PART)
    monkeypatch.setattr("infra.rebuilding.fold_pool.MAX_WORKSPACE_PARTS", len(WORKSPACES))


def _in_project(event: Event, home: UUID) -> Event:
    return replace(event, project_id=home) if isinstance(event, TaskCreated | TaskCompleted) else event


def rebuild_in_parallel(settings: Settings, name: str) -> tuple[RebuildOutcome, int]:
    """Rebuild with two processes; returns the outcome, and the number of parts that were folded."""
    parts = list[LogPart]()

    def counted(*arguments: object) -> list[LogPart]:
        parts.extend(split_log(*arguments))  # type: ignore[arg-type]
        return parts

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rebuild, "split_log", counted)
        outcome = ProjectionRebuild(
            settings.database_url, all_projections()[name], RebuildOptions(2), lambda _: None
        ).run()
    return outcome, len(parts)


def parallel_rebuild_equals_one_fold(settings: Settings, database: SyncConnection, name: str) -> None:
    outcome, parts = rebuild_in_parallel(settings, name)
    assert parts > len(WORKSPACES) // 2
    assert (outcome.switched, outcome.compared, outcome.differences) == (True, True, 0)
    assert oracle.matches_log(database)


@pytest.mark.usefixtures("_log_of_workspaces")
@pytest.mark.parametrize("name", sorted(all_projections()))
def test_a_parallel_rebuild_equals_one_fold(settings: Settings, database: SyncConnection, name: str) -> None:
    parallel_rebuild_equals_one_fold(settings, database, name)


@pytest.mark.usefixtures("_log_of_workspaces")
def test_a_workspace_in_no_part_is_noticed(
    settings: Settings, database: SyncConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    split = slices.split_by_workspace
    monkeypatch.setattr(slices, "split_by_workspace", lambda *arguments: split(*arguments)[1:])
    assert_check_fails(lambda: parallel_rebuild_equals_one_fold(settings, database, "project_list"))


@pytest.mark.usefixtures("_log_of_workspaces")
def test_a_rebuild_that_loses_what_other_streams_change_is_noticed(
    settings: Settings, database: SyncConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slices, "iter_touched_streams", slices.iter_streams)
    outcome = oracle.rebuild_inline(settings.database_url, "task_list")  # in this process, which has the defect
    assert (outcome.switched, outcome.differences) == (False, len(WORKSPACES) * TASKS_PER_WORKSPACE)
    assert oracle.matches_log(database)
