"""The laws of deciding, held."""

from collections.abc import Iterator
from typing import Any

from commands.command import Command
from tests.commands import decision_laws
from tests.strategies import COMMAND_STRATEGIES


def test_repeating_a_command_changes_nothing() -> None:
    decision_laws.repeating_a_command_changes_nothing()


def test_deciding_is_deterministic() -> None:
    decision_laws.deciding_is_deterministic()


def test_decided_states_equal_folded_states() -> None:
    decision_laws.decided_states_equal_folded_states()


def test_an_event_records_the_value_it_replaced() -> None:
    decision_laws.an_event_records_the_value_it_replaced()


def test_a_batch_equals_its_commands_one_by_one() -> None:
    decision_laws.a_batch_equals_its_commands_one_by_one()


def test_every_loaded_stream_is_guarded_at_its_version() -> None:
    decision_laws.every_loaded_stream_is_guarded_at_its_version()


def test_a_non_member_gets_not_found() -> None:
    decision_laws.a_non_member_gets_not_found()


def test_a_dry_run_predicts_the_write_and_writes_nothing() -> None:
    decision_laws.a_dry_run_predicts_the_write_and_writes_nothing()


def test_a_rebase_merges_different_fields_only() -> None:
    decision_laws.a_rebase_merges_different_fields_only()


def test_the_laws_are_tried_on_every_command() -> None:
    assert {kind.__name__ for kind in _kinds(Command) if "decide" in vars(kind)} == {
        kind.__name__ for kind in COMMAND_STRATEGIES
    }


def _kinds(kind: type[Any]) -> Iterator[type[Any]]:
    for below in kind.__subclasses__():
        yield below
        yield from _kinds(below)
