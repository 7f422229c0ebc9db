"""Planted defects in recurring tasks: each must turn the named law red."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from msgspec.structs import replace

from commands import task_changes
from commands.handling import results
from domain.event import Change, Event
from domain.task import TaskCompleted
from tests.commands import recurrence_laws
from tests.planted_defects import assert_check_fails

Patch = pytest.MonkeyPatch


def a_completed_task_keeps_its_recurrence(patch: Patch) -> None:
    decide = task_changes._status_event  # noqa: SLF001 - the defect belongs in this function

    def kept(*given: Any) -> Iterator[Event]:
        for event in decide(*given):
            yield replace(event, recurrence=Change(None, None)) if isinstance(event, TaskCompleted) else event

    patch.setattr("commands.task_changes._status_event", kept)


def a_stored_outcome_has_no_next(patch: Patch) -> None:
    encode = results.encode
    patch.setattr(
        "commands.handling.results.encode", lambda found: encode([replace(result, next=None) for result in found])
    )


@pytest.mark.parametrize(
    ("defect", "law"),
    [
        (a_completed_task_keeps_its_recurrence, recurrence_laws.a_recurrence_has_one_next),
        (a_stored_outcome_has_no_next, recurrence_laws.one_request_has_one_next),
    ],
)
def test_the_law_notices(
    defect: Callable[[Patch], None], law: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    defect(monkeypatch)
    assert_check_fails(law)
