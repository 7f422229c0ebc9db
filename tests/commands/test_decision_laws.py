"""The laws of decisions hold, and their strategies draw every field of every command."""

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import Phase, given, settings
from msgspec import UNSET

from commands.command import Command
from commands.handling.command_on import CommandOn
from tests.commands import decision_laws
from tests.strategies import COMMAND_STRATEGIES

pytestmark = pytest.mark.slow

SET_BY_CALLERS = {"id", "expected_version", "purpose"}
"""Fields that are set from a target, a version or an address when a command is sent."""


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


@pytest.mark.parametrize("command_type", COMMAND_STRATEGIES, ids=lambda command_type: command_type.__name__)
def test_every_field_of_a_command_is_drawn(command_type: type[Command[Any]]) -> None:
    """Every field is drawn with a value other than its default."""
    missing = set(command_type.__struct_fields__) - SET_BY_CALLERS
    fields = {field.name: field.default for field in msgspec.structs.fields(command_type)}

    @settings(max_examples=100, derandomize=True, database=None, deadline=None, phases=(Phase.generate,))
    @given(COMMAND_STRATEGIES[command_type])
    def draw(drawn: CommandOn) -> None:
        missing.difference_update(
            [name for name in missing if getattr(drawn.command, name) not in (fields[name], UNSET)]
        )

    draw()
    assert not missing, f"the strategy of {command_type.__name__} never draws {sorted(missing)}"


def _kinds(kind: type[Any]) -> Iterator[type[Any]]:
    for below in kind.__subclasses__():
        yield below
        yield from _kinds(below)
