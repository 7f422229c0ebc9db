"""Bulk changes as values: how tasks are grouped, and how progress adds up."""

from collections.abc import Iterable, Sequence
from uuid import UUID

import pytest
from hypothesis import strategies as st
from msgspec.structs import replace

from commands.handling.each import EachOutcome, StoredRefusal
from commands.label import LabelTask
from infra.bulk.bulk_change import MAX_GROUP_TASKS, MAX_STORED_REFUSALS, BulkChange, BulkProgress, TaskGroups
from tests.examples import ADA, fixed_uuid7
from tests.law import law
from tests.planted_defects import assert_check_fails

TASKS = [fixed_uuid7(100 + number) for number in range(200)]
_sizes = st.lists(st.integers(1, 120), max_size=4)
REFUSED = StoredRefusal("task_is_trashed")


@law(_sizes, st.integers(0, 500), examples=200)
def groups_have_every_task_once_and_are_of_one_workspace(sizes: list[int], count: int) -> None:
    homes = [[fixed_uuid7(1_000 * place + number) for number in range(size)] for place, size in enumerate(sizes)]
    groups = TaskGroups.of(homes)
    home_of = {task: place for place, home in enumerate(homes) for task in home}
    parts = list(groups.after(0))
    assert [task for part in parts for task in part] == [*groups.tasks] == [*home_of]
    assert all(0 < len(part) <= MAX_GROUP_TASKS for part in parts)
    assert all(len({home_of[task] for task in part}) == 1 for part in parts)
    assert [task for part in groups.first(count).after(0) for task in part] == list(groups.tasks[:count])


def test_groups_have_every_task_once_and_are_of_one_workspace() -> None:
    groups_have_every_task_once_and_are_of_one_workspace()


def test_groups_of_several_workspaces_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    def of_all(workspaces: Iterable[Sequence[UUID]]) -> TaskGroups:
        return group([[task for members in workspaces for task in members]])

    group = TaskGroups.of
    monkeypatch.setattr(TaskGroups, "of", of_all)
    assert_check_fails(groups_have_every_task_once_and_are_of_one_workspace)


def test_what_remains_begins_after_what_is_done() -> None:
    groups = TaskGroups.of([TASKS[:120]])
    assert [len(part) for part in groups.after(0)] == [50, 50, 20]
    assert list(groups.after(50)) == [tuple(TASKS[50:100]), tuple(TASKS[100:120])]
    assert list(groups.after(120)) == []


def test_progress_counts_changed_and_refused_tasks_and_keeps_the_first_refusals() -> None:
    progress = BulkProgress().after(TASKS[:3], EachOutcome((0,), {2: REFUSED}, 7))
    progress = progress.after(TASKS[3:5], EachOutcome((0, 1), {}, 5))
    assert (progress.done, progress.changed, progress.refused_count, progress.position) == (5, 3, 1, 7)
    assert [(one.id, one.refusal) for one in progress.refused] == [(str(TASKS[2]), REFUSED)]
    many = TASKS * (MAX_STORED_REFUSALS // len(TASKS) + 1)
    progress = progress.after(many, EachOutcome((), dict.fromkeys(range(len(many)), REFUSED), 0))
    assert (progress.refused_count, len(progress.refused)) == (1 + len(many), MAX_STORED_REFUSALS)


def test_a_group_has_one_key_however_often_it_is_asked_for() -> None:
    groups = TaskGroups.of([TASKS[:60]])
    change = BulkChange(fixed_uuid7(9), LabelTask(label="Shop"), groups, ADA, "write", fixed_uuid7(8))
    first, second = (change.request(part) for part in groups.after(0))
    again = change.request(next(groups.after(0)))
    assert first.idempotency_keys == again.idempotency_keys
    assert first.command_id != again.command_id
    assert first.idempotency_keys != second.idempotency_keys
    assert (first.trace.causation_id, first.trace.correlation_id) == (str(change.id), fixed_uuid7(8))
    assert (first.scope, first.allows_any_version, first.actor) == ("write", True, ADA)
    other = replace(change, id=fixed_uuid7(10)).request(groups.tasks[:50])
    assert other.idempotency_keys != first.idempotency_keys


def test_a_dry_run_has_no_key() -> None:
    change = BulkChange(fixed_uuid7(9), LabelTask(label="Shop"), TaskGroups.of([]), ADA, "write")
    tried = change.request(TASKS[:2], is_dry_run=True)
    assert (tried.is_dry_run, list(tried.idempotency_keys)) == (True, [])
