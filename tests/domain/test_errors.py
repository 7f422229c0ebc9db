"""Refusals: a stable code for programs, and a sentence for people."""

import pytest

from domain.errors import NotFound, Refusal, TaskIsTrashed, UnknownEvent
from tests.examples import TASK

REFUSALS = [kind for kind in Refusal.__subclasses__() if kind.__module__.startswith("domain.errors.")]


def test_the_code_is_the_name_in_small_letters() -> None:
    assert TaskIsTrashed.code() == "task_is_trashed"


@pytest.mark.parametrize("refusal", REFUSALS)
def test_every_refusal_has_a_sentence_of_its_own(refusal: type[Refusal]) -> None:
    assert refusal.__doc__ != Refusal.__doc__
    assert refusal.title().endswith(".")


def test_codes_are_unique() -> None:
    assert len({refusal.code() for refusal in REFUSALS}) == len(REFUSALS)


def test_the_detail_is_the_title_unless_there_is_more_to_say() -> None:
    assert str(NotFound()) == NotFound.title()
    assert str(NotFound("no such thing")) == "no such thing"


def test_params_are_kept_for_translation() -> None:
    assert TaskIsTrashed(key="HOME-1").params == {"key": "HOME-1"}


def test_an_unknown_event_names_itself_and_its_stream() -> None:
    assert str(UnknownEvent("TaskBlessed")) == "unknown event 'TaskBlessed'"
    assert str(UnknownEvent("TaskBlessed", TASK)) == f"unknown event 'TaskBlessed' in stream {TASK}"
