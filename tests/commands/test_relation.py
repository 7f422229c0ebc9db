"""Relations: both tasks know them, the graph of blocks has no cycle, and a task says what it waits for."""

from itertools import islice
from uuid import UUID

import pytest
from msgspec.structs import replace

from commands import relation as commands_on_relations
from commands import trash
from commands.relation import RelateTask, UnrelateTask
from commands.trash import PurgeTask
from domain.errors import MakesACycle, NotFound, ProjectIsArchived, RelatesToItself, TaskIsTrashed, TooManyRelations
from domain.event import Change
from domain.project import ProjectArchived
from domain.relation import (
    BlockAdded,
    BlockerEvent,
    BlockGraph,
    BlockRemoved,
    Relation,
    RelationAdded,
    RelationKind,
    RelationRemoved,
    blocks_stream_id,
)
from domain.task import TaskArchived, TaskCompleted, TaskCreated, TaskPurged, TaskReopened, TaskRestored, TaskUnarchived
from tests.commands import relation_laws
from tests.examples import (
    COMPLETED,
    OTHER_PROJECT,
    OTHER_TASK,
    OTHER_WORKSPACE,
    PROJECT,
    PURGED,
    TASK,
    TRASHED,
    WORKSPACE,
    Fact,
    Facts,
    fixed_uuid7,
    project,
    task,
    workspace,
)
from tests.given import Given, given
from tests.planted_defects import assert_check_fails

pytestmark = pytest.mark.slow

THIRD = fixed_uuid7(33)
BLOCKS = blocks_stream_id(WORKSPACE)


def related(first: UUID, kind: RelationKind, second: UUID) -> Facts:
    """The events of two open tasks that get a relation."""
    relation = Relation(kind, second)
    inverse = relation.inverse(first)
    facts: Facts = [
        (first, RelationAdded(PROJECT, Change(None, relation), waits=kind == "blocked_by")),
        (second, RelationAdded(PROJECT, Change(None, inverse), waits=inverse.kind == "blocked_by")),
    ]
    if kind == "blocks":
        facts.append((BLOCKS, BlockAdded(first, second)))
    return facts


def given_three(*later: Fact) -> Given:
    tasks = [*task(), *task(task_id=OTHER_TASK, number=2), *task(task_id=THIRD, number=3)]
    return given(workspace(), project(), tasks, later)


@pytest.mark.parametrize("kind", ["blocks", "relates", "duplicates", "duplicated_by"])
def test_both_tasks_get_a_relation(kind: RelationKind) -> None:
    decision = given_three().when(RelateTask(kind=kind, task_id=OTHER_TASK)).decision()
    assert decision.new_events == related(TASK, kind, OTHER_TASK)


def test_being_blocked_is_the_inverse_of_blocking() -> None:
    events = given_three().when(RelateTask(kind="blocked_by", task_id=OTHER_TASK)).decision().new_events
    assert sorted(events, key=lambda fact: fact[0]) == sorted(
        related(OTHER_TASK, "blocks", TASK), key=lambda fact: fact[0]
    )


def test_no_task_waits_for_one_that_is_done() -> None:
    blocked_by = RelateTask(kind="blocked_by", task_id=OTHER_TASK)
    (_, added), *_ = given_three((OTHER_TASK, COMPLETED)).when(blocked_by).decision().new_events
    assert added == RelationAdded(PROJECT, Change(None, Relation("blocked_by", OTHER_TASK)), waits=False)


def test_a_relation_is_there_once_however_it_is_asked_for() -> None:
    blocking = given_three(*related(TASK, "blocks", OTHER_TASK))
    blocking.when(RelateTask(kind="blocks", task_id=OTHER_TASK)).then_nothing()
    blocking.when(RelateTask(kind="blocked_by", task_id=TASK), on=OTHER_TASK).then_nothing()


def test_a_relation_is_taken_back_on_both() -> None:
    blocking = given_three(*related(TASK, "blocks", OTHER_TASK))
    decision = blocking.when(UnrelateTask(kind="blocked_by", task_id=TASK), on=OTHER_TASK).decision()
    assert decision.new_events == [
        (OTHER_TASK, RelationRemoved(PROJECT, Change(Relation("blocked_by", TASK), None))),
        (TASK, RelationRemoved(PROJECT, Change(Relation("blocks", OTHER_TASK), None))),
        (BLOCKS, BlockRemoved(TASK, OTHER_TASK)),
    ]
    blocking.when(UnrelateTask(kind="relates", task_id=OTHER_TASK)).then_nothing()


@pytest.mark.parametrize(("blocker", "blocked"), [(OTHER_TASK, TASK), (THIRD, TASK), (TASK, TASK)])
def test_a_cycle_of_blocks_is_refused(blocker: UUID, blocked: UUID) -> None:
    chain = given_three(*related(TASK, "blocks", OTHER_TASK), *related(OTHER_TASK, "blocks", THIRD))
    chain.when(RelateTask(kind="blocks", task_id=blocked), on=blocker).then_refused(MakesACycle)
    chain.when(RelateTask(kind="blocked_by", task_id=blocker), on=blocked).then_refused(MakesACycle)
    chain.when(RelateTask(kind="blocks", task_id=THIRD)).decision()


@pytest.mark.parametrize("kind", ["relates", "duplicates", "duplicated_by"])
def test_a_task_has_no_relation_to_itself(kind: RelationKind) -> None:
    given_three().when(RelateTask(kind=kind, task_id=TASK)).then_refused(RelatesToItself)


def test_a_related_task_can_change_too() -> None:
    relate, unrelate = RelateTask(kind="relates", task_id=OTHER_TASK), UnrelateTask(kind="relates", task_id=OTHER_TASK)
    given_three((OTHER_TASK, TRASHED)).when(relate).then_refused(TaskIsTrashed)
    given_three((TASK, TRASHED)).when(relate).then_refused(TaskIsTrashed)
    given_three((TASK, TRASHED)).when(unrelate).then_refused(TaskIsTrashed)
    given_three((OTHER_TASK, PURGED)).when(relate).then_refused(NotFound)
    given_three().when(RelateTask(kind="relates", task_id=fixed_uuid7(99))).then_refused(NotFound)
    given_three((PROJECT, ProjectArchived())).when(relate).then_refused(ProjectIsArchived)


def test_a_task_of_another_workspace_is_not_found() -> None:
    (_, (_, created)) = task(task_id=fixed_uuid7(44))
    assert isinstance(created, TaskCreated)
    theirs: Facts = [(fixed_uuid7(44), replace(created, project_id=OTHER_PROJECT, workspace_id=OTHER_WORKSPACE))]
    elsewhere = [*workspace(OTHER_WORKSPACE), *project(OTHER_PROJECT, "WORK", OTHER_WORKSPACE), *theirs]
    relate = RelateTask(kind="relates", task_id=fixed_uuid7(44))
    given_three(*elsewhere).when(relate).then_refused(NotFound)


@pytest.mark.parametrize("full", [TASK, OTHER_TASK])
def test_a_task_has_a_limited_number_of_relations(full: UUID, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands_on_relations, "MAX_RELATIONS_PER_TASK", 1)
    many = given_three(*related(full, "relates", THIRD))
    many.when(RelateTask(kind="blocks", task_id=OTHER_TASK)).then_refused(TooManyRelations, most=1)


def test_a_purge_takes_relations_back() -> None:
    trashed = given_three(*related(TASK, "blocks", OTHER_TASK), (TASK, TRASHED))
    events = trashed.when(PurgeTask(expected_version=3)).decision().new_events
    assert (OTHER_TASK, RelationRemoved(PROJECT, Change(Relation("blocked_by", TASK), None))) in events
    assert (BLOCKS, BlockRemoved(TASK, OTHER_TASK)) in events
    assert events[-1] == (TASK, TaskPurged(PROJECT))


def test_a_task_waits_for_the_open_tasks_that_block_it() -> None:
    relation_laws.tasks_wait_for_open_blockers()


def test_the_graph_of_blocks_has_no_cycle() -> None:
    relation_laws.blocks_have_no_cycle()


def test_a_search_from_both_ends_finds_every_path() -> None:
    relation_laws.paths_are_found()


@pytest.mark.parametrize(
    ("owner", "name", "defect"),
    [
        (TaskCompleted, "keeps_waiting", True),
        (TaskReopened, "keeps_waiting", False),
        (TaskRestored, "keeps_waiting", True),
        (TaskArchived, "keeps_waiting", True),
        (TaskUnarchived, "keeps_waiting", False),
        (BlockerEvent, "touches", lambda event: event.ancestors),
        (commands_on_relations, "_waits", lambda *_: True),
        (trash, "unrelate", lambda *_: ()),
    ],
)
def test_a_planted_defect_is_noticed(owner: object, name: str, defect: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(owner, name, defect)
    assert_check_fails(relation_laws.tasks_wait_for_open_blockers)


def test_a_search_that_ends_early_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    reached = vars(BlockGraph)["_reached"].__func__
    monkeypatch.setattr(BlockGraph, "_reached", staticmethod(lambda *search: islice(reached(*search), 1)))
    assert_check_fails(relation_laws.blocks_have_no_cycle)
    assert_check_fails(relation_laws.paths_are_found)
