"""The laws of deciding, held."""

from collections.abc import Iterator
from typing import Any

from commands.command import Command
from tests.commands import laws
from tests.strategies import WISHES


def test_asking_twice_changes_nothing_more() -> None:
    laws.asking_twice_changes_nothing_more()


def test_deciding_again_decides_the_same() -> None:
    laws.deciding_again_decides_the_same()


def test_a_decision_leaves_the_states_that_a_fold_will_find() -> None:
    laws.a_decision_leaves_the_states_that_a_fold_will_find()


def test_an_event_says_what_it_replaced() -> None:
    laws.an_event_says_what_it_replaced()


def test_together_is_the_same_as_one_by_one() -> None:
    laws.together_is_the_same_as_one_by_one()


def test_whatever_was_looked_at_is_seen_at_its_version() -> None:
    laws.whatever_was_looked_at_is_seen_at_its_version()


def test_a_stranger_finds_nothing() -> None:
    laws.a_stranger_finds_nothing()


def test_a_dry_run_answers_what_is_then_written_and_changes_nothing() -> None:
    laws.a_dry_run_answers_what_is_then_written_and_changes_nothing()


def test_a_rebase_is_a_merge_of_different_fields_and_of_no_other() -> None:
    laws.a_rebase_is_a_merge_of_different_fields_and_of_no_other()


def test_the_laws_are_tried_on_every_command() -> None:
    assert {kind.__name__ for kind in _kinds(Command) if "decide" in vars(kind)} == {kind.__name__ for kind in WISHES}


def _kinds(kind: type[Any]) -> Iterator[type[Any]]:
    for below in kind.__subclasses__():
        yield below
        yield from _kinds(below)
