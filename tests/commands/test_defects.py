"""The laws of deciding and the races can fail: a planted defect turns each of them red."""

from functools import partial

import pytest

from commands.handling.decision import CommandOn
from commands.task import CompleteTask, EditTask
from domain.errors import VersionConflict
from tests import defects
from tests.commands import laws, races
from tests.defects import noticed, noticed_in_time
from tests.examples import TASK, project, task, workspace
from tests.memory_log import MemoryLog


def test_a_member_who_is_looked_up_and_not_asserted_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    defects.a_member_who_is_looked_up_and_not_asserted(monkeypatch)
    noticed(laws.whatever_was_looked_at_is_seen_at_its_version)


def test_a_door_that_is_open_to_strangers_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    defects.a_door_that_is_open_to_strangers(monkeypatch)
    noticed(laws.a_stranger_finds_nothing)


def test_a_wish_fulfilled_twice_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    defects.a_wish_fulfilled_twice(monkeypatch)
    noticed(laws.asking_twice_changes_nothing_more)
    noticed(laws.an_event_says_what_it_replaced)


def test_a_call_that_decides_on_what_is_stored_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    defects.a_call_that_decides_on_what_is_stored(monkeypatch)
    noticed(laws.a_decision_leaves_the_states_that_a_fold_will_find)


def test_an_evolve_that_drops_a_change_is_noticed_by_deciding_too(monkeypatch: pytest.MonkeyPatch) -> None:
    defects.an_evolve_that_drops_a_change(monkeypatch)
    noticed(laws.asking_twice_changes_nothing_more)


def test_a_dry_run_that_writes_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    defects.a_dry_run_that_writes(monkeypatch)
    noticed(laws.a_dry_run_answers_what_is_then_written_and_changes_nothing)


def test_a_rebase_that_merges_the_same_field_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    defects.a_rebase_that_merges_the_same_field(monkeypatch)
    noticed(laws.a_rebase_is_a_merge_of_different_fields_and_of_no_other)


def test_a_rebase_that_writes_back_what_it_left_as_it_was_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    defects.a_rebase_that_writes_back_what_it_left_as_it_was(monkeypatch)
    noticed(laws.a_rebase_is_a_merge_of_different_fields_and_of_no_other)


def test_a_count_that_is_old_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    defects.a_count_that_is_old(monkeypatch)
    noticed(laws.a_count_is_what_a_fold_finds)


async def test_a_version_that_nobody_checks_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    defects.a_version_that_nobody_checks(monkeypatch)
    log = MemoryLog([*workspace(), *project(), *task()])
    both = [CommandOn(TASK, CompleteTask()), CommandOn(TASK, EditTask(title="Buy bread", expected_version=1))]
    await noticed_in_time(partial(races.a_refused_call_writes_nothing, log, both, VersionConflict))
    await noticed_in_time(partial(races.one_of_all_who_saw_the_same_version_wins, 1))


async def test_an_append_that_asserts_nothing_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    defects.an_append_that_asserts_nothing(monkeypatch)
    for race in (
        races.everybody_toggles_and_nothing_is_lost,
        races.everybody_creates_and_every_task_has_its_own_number,
        races.one_of_all_who_saw_the_same_version_wins,
        races.one_of_all_who_want_a_key_gets_it,
    ):
        await noticed_in_time(partial(race, 1))
