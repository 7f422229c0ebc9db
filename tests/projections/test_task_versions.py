"""The past of a task: each version is the fold up to it, and a field is blamed on its last change."""

from collections.abc import Callable, Sequence

import pytest
from hypothesis import strategies as st

from commands.comment import AddComment, EditComment
from commands.handling.command_on import CommandOn
from commands.label import LabelTask, UnlabelTask
from commands.task import AssignTask, CompleteTask, EditTask, MoveTask, ReopenTask, UnassignTask
from domain import history
from domain.errors import Refusal
from domain.event import Actor, RecordedEvent
from projections import task_list, task_versions
from projections.fingerprint import fold_history
from projections.task_list import TaskRow
from projections.task_versions import TaskPast
from tests.commands.comment_laws import initial_history
from tests.commands.decision_laws import at_current_version
from tests.examples import ADA, BOB, CAT, COMMENT, TASK
from tests.given import EventHistory
from tests.law import law
from tests.planted_defects import assert_check_fails
from tests.projections.test_comment_count import recorded_events
from tests.strategies import COMMAND_STRATEGIES

Step = tuple[Actor, CommandOn]
_PLAIN_FIELDS = ("title", "description", "priority", "due", "start", "estimate", "column", "labels", "assignees")
"""Those that events show by their own names, and nothing but the task's events changes."""
_COMMANDS = (EditTask, MoveTask, CompleteTask, ReopenTask, AssignTask, UnassignTask, LabelTask, UnlabelTask, AddComment)
_EDITED = st.builds(CommandOn, st.just(COMMENT), st.builds(EditComment, text=st.sampled_from(["@Bob?", "Which one?"])))
_commands = st.one_of(*(COMMAND_STRATEGIES[kind] for kind in _COMMANDS), COMMAND_STRATEGIES[EditTask], _EDITED)
_steps = st.lists(st.tuples(st.sampled_from([ADA, BOB, CAT]), _commands), min_size=4, max_size=20)


def recorded(steps: Sequence[Step]) -> list[RecordedEvent]:
    """The events of the steps after a history of two tasks; refused steps are left out."""
    done = initial_history()
    for actor, on in steps:
        try:
            done = EventHistory([*done.facts, *done.decide(at_current_version(on, done), actor=actor).new_events])
        except Refusal:
            continue
    return recorded_events(done.facts)


def events_of_task(events: Sequence[RecordedEvent]) -> list[RecordedEvent]:
    return [one for one in events if TASK in {one.stream, *one.event.touches()}]


@law(_steps, examples=150)
def each_version_equals_the_fold_up_to_it(steps: Sequence[Step]) -> None:
    events = recorded(steps)
    past = TaskPast(TASK)
    for one in events_of_task(events):
        past.apply([one])
        row = fold_history(task_list.projection, events[: one.position])[TASK]
        shown = past.shown_to(BOB.id)
        assert shown
        assert past.row == row
        assert [getattr(shown, name) for name in TaskRow.__struct_fields__] == [
            getattr(row, name) for name in TaskRow.__struct_fields__
        ]
        assert shown.watching == (BOB.id in row.watchers.users)


@law(_steps, examples=150)
def a_field_is_blamed_on_the_last_event_that_shows_it(steps: Sequence[Step]) -> None:
    events = events_of_task(recorded(steps))
    past = TaskPast(TASK)
    past.apply(events)
    blamed = past.blame()
    own = [one for one in events if one.stream == TASK]
    for name in _PLAIN_FIELDS:
        last = next(one for one in reversed(own) if name in history.shown_fields(one))
        assert blamed[name].recorded == last, name
        assert blamed[name].value == getattr(past.row, name)


@law(_steps, examples=150)
def no_event_after_the_blamed_one_changes_the_value(steps: Sequence[Step]) -> None:
    """Of every field, also those that events of other streams change."""
    events = recorded(steps)
    past = TaskPast(TASK)
    past.apply(events_of_task(events))
    for name, blame in past.blame().items():
        if name.startswith("fields."):
            continue
        position = blame.recorded.position
        rows = fold_history(task_list.projection, events[:position]), fold_history(task_list.projection, events)
        assert getattr(rows[0][TASK], name) == getattr(rows[1][TASK], name) == blame.value
        before = fold_history(task_list.projection, events[: position - 1]).get(TASK)
        assert before is None or getattr(before, name) != blame.value


LAWS = [
    each_version_equals_the_fold_up_to_it,
    a_field_is_blamed_on_the_last_event_that_shows_it,
    no_event_after_the_blamed_one_changes_the_value,
]


@pytest.mark.parametrize("check", LAWS)
def test_the_laws_of_the_past_hold(check: Callable[[], None]) -> None:
    check()


def the_first_change_is_blamed(patch: pytest.MonkeyPatch) -> None:
    def apply(past: TaskPast, events: Sequence[RecordedEvent]) -> None:
        for one in events:
            after = task_list.fold(past.id, past.row, one)
            changed = dict.fromkeys(task_versions._changed_names(past.row, after), one)  # noqa: SLF001
            past.last_changes, past.row = changed | past.last_changes, after

    patch.setattr(TaskPast, "apply", apply)


def touching_events_are_left_out(patch: pytest.MonkeyPatch) -> None:
    apply = TaskPast.apply
    patch.setattr(TaskPast, "apply", lambda past, events: apply(past, [one for one in events if one.stream == past.id]))


def a_change_of_labels_goes_unnoticed(patch: pytest.MonkeyPatch) -> None:
    changed = task_versions._changed_names  # noqa: SLF001
    patch.setattr(
        task_versions,
        "_changed_names",
        lambda before, after: [name for name in changed(before, after) if before is None or name != "labels"],
    )


@pytest.mark.parametrize(
    ("defect", "check"),
    [
        (the_first_change_is_blamed, a_field_is_blamed_on_the_last_event_that_shows_it),
        (the_first_change_is_blamed, no_event_after_the_blamed_one_changes_the_value),
        (touching_events_are_left_out, each_version_equals_the_fold_up_to_it),
        (a_change_of_labels_goes_unnoticed, a_field_is_blamed_on_the_last_event_that_shows_it),
    ],
)
def test_a_planted_defect_is_noticed(
    defect: Callable[[pytest.MonkeyPatch], None], check: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    defect(monkeypatch)
    assert_check_fails(check)


def test_a_task_that_never_was_has_no_past() -> None:
    past = TaskPast(TASK)
    past.apply([])
    assert past.shown_to(ADA.id) is None
    assert past.blame() == {}
