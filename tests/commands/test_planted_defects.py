"""Planted defects: each breaks a law of decisions or a race, and its check must turn red."""

from functools import partial

import pytest

from commands.handling.command_on import CommandOn
from commands.task import CompleteTask, EditTask
from domain.errors import VersionConflict
from tests import planted_defects
from tests.commands import decision_laws
from tests.commands.handling import races
from tests.examples import TASK, project, task, workspace
from tests.in_memory_event_log import InMemoryEventLog
from tests.planted_defects import assert_async_check_fails, assert_check_fails

pytestmark = pytest.mark.slow


def test_a_membership_read_without_a_guard_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    planted_defects.a_membership_read_without_a_guard(monkeypatch)
    assert_check_fails(decision_laws.every_loaded_stream_is_guarded_at_its_version)


def test_an_authorization_open_to_non_members_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    planted_defects.an_authorization_open_to_non_members(monkeypatch)
    assert_check_fails(decision_laws.a_non_member_gets_not_found)


def test_a_command_applied_twice_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    planted_defects.a_command_applied_twice(monkeypatch)
    assert_check_fails(decision_laws.repeating_a_command_changes_nothing)
    assert_check_fails(decision_laws.an_event_records_the_value_it_replaced)


def test_a_batch_that_ignores_its_earlier_commands_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    planted_defects.a_batch_that_ignores_its_earlier_commands(monkeypatch)
    assert_check_fails(decision_laws.decided_states_equal_folded_states)


def test_an_evolve_that_drops_a_change_is_noticed_by_deciding_too(monkeypatch: pytest.MonkeyPatch) -> None:
    planted_defects.an_evolve_that_drops_a_change(monkeypatch)
    assert_check_fails(decision_laws.repeating_a_command_changes_nothing)


def test_a_dry_run_that_writes_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    planted_defects.a_dry_run_that_writes(monkeypatch)
    assert_check_fails(decision_laws.a_dry_run_predicts_the_write_and_writes_nothing)


def test_a_rebase_that_merges_the_same_field_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    planted_defects.a_rebase_that_merges_the_same_field(monkeypatch)
    assert_check_fails(decision_laws.a_rebase_merges_different_fields_only)


def test_a_rebase_that_overwrites_unchanged_fields_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    planted_defects.a_rebase_that_overwrites_unchanged_fields(monkeypatch)
    assert_check_fails(decision_laws.a_rebase_merges_different_fields_only)


def test_a_stale_column_count_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    planted_defects.a_stale_column_count(monkeypatch)
    assert_check_fails(decision_laws.a_column_count_equals_the_fold)


async def test_an_unchecked_expected_version_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    planted_defects.an_unchecked_expected_version(monkeypatch)
    log = InMemoryEventLog([*workspace(), *project(), *task()])
    both = [CommandOn(TASK, CompleteTask()), CommandOn(TASK, EditTask(title="Buy bread", expected_version=1))]
    await assert_async_check_fails(partial(races.a_refused_call_writes_nothing, log, both, VersionConflict))
    await assert_async_check_fails(partial(races.one_edit_of_the_same_version_wins, 1))


async def test_an_append_without_version_checks_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    planted_defects.an_append_without_version_checks(monkeypatch)
    for race in (
        races.concurrent_toggles_lose_nothing,
        races.concurrent_creates_get_unique_numbers,
        races.one_edit_of_the_same_version_wins,
        races.one_project_gets_the_key,
    ):
        await assert_async_check_fails(partial(race, 1))
