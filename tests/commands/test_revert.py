"""Taking changes back: what is restored, what collides, and what cannot be taken back."""

import asyncio
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import pytest

from commands.command import Command
from commands.handling.command_on import CommandOn
from commands.handling.handler import CommandHandler
from commands.handling.request import CommandRequest
from commands.label import LabelTask, UnlabelTask
from commands.recurrence import RecurrenceSpec
from commands.revert import changed_stream, restorers
from commands.revert.changed_stream import DERIVED_FIELDS, FIRST_EVENTS, changed_streams
from commands.subtask import placed
from commands.task import CompleteTask, CreateTask, EditTask, MoveTask
from commands.trash import PurgeTask, TrashTask
from domain.errors import AlreadyReverted, NotRevertible, PreviewIsStale, RevertCollides
from domain.event import Change, Event, State, fold
from domain.history import BOOKKEEPING_EVENTS
from domain.instance import RULE_ACTOR
from domain.revert import ChangeReapplied, ChangeReverted, Revert, revert_stream_id
from domain.task import Task
from infra.ids import new_id
from projections.fingerprint import golden_history
from tests.commands import revert_laws
from tests.commands.revert_laws import revert, revert_of
from tests.examples import ADA, PROJECT, TASK, WORKSPACE, project, task, user, workspace
from tests.in_memory_event_log import InMemoryEventLog
from tests.planted_defects import assert_check_fails


class History:
    """Commands that are carried out one after the other, each a change of its own."""

    def __init__(self) -> None:
        self.log = InMemoryEventLog([*user(), *workspace(), *project(), *task()])
        self.handler = CommandHandler(self.log)

    def carry_out(self, *commands: Command[Any], on: UUID = TASK) -> UUID:
        """Carry out commands together, and return the id of the change."""
        actor = RULE_ACTOR if isinstance(commands[0], PurgeTask) else ADA
        any_version = not commands[0].creates
        request = CommandRequest(
            [CommandOn(on, command) for command in commands], actor, new_id(), allows_any_version=any_version
        )
        asyncio.run(self.handler.handle(request))
        return request.command_id

    def revert(self, change: UUID, **options: Any) -> UUID:
        return asyncio.run(revert(self.handler, self.log, change, **options))

    def task(self, task_id: UUID = TASK) -> Task:
        state = fold(Task, self.log.history.events(task_id))
        assert state
        return state

    def events_of(self, change: UUID) -> Sequence[Event]:
        """The events of a change, in their order."""
        recorded = [each for of in self.log.history.streams.values() for each in of if each.command_id == change]
        return [each.event for each in sorted(recorded, key=lambda each: each.position)]


@pytest.fixture
def history() -> History:
    return History()


def test_a_field_gets_its_old_value_by_the_event_that_changes_it(history: History) -> None:
    change = history.carry_out(EditTask(title="Buy bread"))
    first, *others = history.events_of(history.revert(change))
    assert first == ChangeReverted(change, "revert")
    assert [type(each).__name__ for each in others] == ["TaskRenamed"]
    assert history.task().title == "Buy milk"


def test_what_was_reverted_is_in_force_again_once_the_revert_is(history: History) -> None:
    change = history.carry_out(CompleteTask())
    first = history.revert(change)
    assert history.task().status == "open"
    second = history.revert(first)
    assert history.task().status == "done"
    assert ChangeReapplied(change) in history.events_of(second)
    state = fold(Revert, history.log.history.events(revert_stream_id(change)))
    assert state == Revert(change, reverted=False)


def test_a_created_task_goes_to_the_trash(history: History) -> None:
    new = new_id()
    history.revert(history.carry_out(CreateTask(project_id=PROJECT, title="New"), on=new))
    assert history.task(new).trashed


def test_the_next_instance_of_a_task_that_recurs_goes_and_comes_back(history: History) -> None:
    history.carry_out(EditTask(due="2026-12-01", recurrence=RecurrenceSpec(rule="FREQ=DAILY")))
    change = history.carry_out(CompleteTask())
    done = history.task()
    assert done.next
    first = history.revert(change)
    assert history.task(done.next.id).trashed
    assert history.task().recurrence
    history.revert(first)
    assert history.task() == done
    assert not history.task(done.next.id).trashed


def test_a_field_that_was_changed_since_collides(history: History) -> None:
    change = history.carry_out(EditTask(title="Buy bread", priority="high"))
    history.carry_out(EditTask(title="Buy cake"))
    with pytest.raises(RevertCollides) as refused:
        history.revert(change)
    (skipped,) = refused.value.params["collisions"]
    assert (skipped.stream, skipped.fields) == (TASK, ("title",))
    assert history.task().priority == "high"


def test_a_field_that_collides_can_be_left_as_it_is(history: History) -> None:
    change = history.carry_out(EditTask(title="Buy bread", priority="high"))
    history.carry_out(EditTask(title="Buy cake"))
    history.revert(change, skips_collisions=True)
    assert (history.task().title, history.task().priority) == ("Buy cake", "none")


def test_labels_that_others_added_since_stay(history: History) -> None:
    change = history.carry_out(LabelTask(label="shop"))
    history.carry_out(LabelTask(label="soon"))
    history.revert(change)
    assert history.task().labels == ("soon",)


def test_a_label_comes_back_where_it_was(history: History) -> None:
    history.carry_out(EditTask(labels=("a", "b", "c")))
    history.revert(history.carry_out(UnlabelTask(label="b")))
    assert history.task().labels == ("a", "b", "c")


def test_a_field_that_is_as_before_already_stays(history: History) -> None:
    change = history.carry_out(EditTask(title="Buy bread"))
    history.carry_out(EditTask(title="Buy milk"))
    assert history.events_of(history.revert(change)) == [ChangeReverted(change, "revert")]


def test_a_task_goes_back_to_its_place(history: History) -> None:
    before = history.task()
    change = history.carry_out(MoveTask(column="doing", top=True))
    history.revert(change)
    assert (history.task().column, history.task().rank) == (before.column, before.rank)


def test_a_purged_task_cannot_be_restored(history: History) -> None:
    change = history.carry_out(TrashTask())
    history.carry_out(PurgeTask())
    with pytest.raises(NotRevertible):
        revert_of(history.log, change)


def test_what_is_no_part_of_the_work_cannot_be_taken_back() -> None:
    log = InMemoryEventLog([*user(), *workspace()])
    recorded = log.history.streams[ADA.id][-1]
    with pytest.raises(NotRevertible):
        changed_streams({recorded.position}, {ADA.id: log.history.streams[ADA.id]})


def test_an_undo_does_not_take_back_twice(history: History) -> None:
    change = history.carry_out(CompleteTask())
    undo = revert_of(history.log, change, purpose="undo")
    request = CommandRequest([CommandOn(WORKSPACE, undo)], ADA, new_id())
    asyncio.run(history.handler.handle(request))
    with pytest.raises(AlreadyReverted):
        asyncio.run(history.handler.handle(CommandRequest([CommandOn(WORKSPACE, undo)], ADA, new_id())))


def test_a_preview_holds_until_a_stream_changes(history: History) -> None:
    change = history.carry_out(EditTask(title="Buy bread"))
    wanted = CommandRequest([CommandOn(WORKSPACE, revert_of(history.log, change))], ADA, new_id())
    report = asyncio.run(history.handler.dry_run(wanted)).results[0].revert
    assert report
    history.carry_out(LabelTask(label="soon"))
    with pytest.raises(PreviewIsStale):
        history.revert(change, preview=report.preview)


def test_each_kind_of_stream_that_can_be_restored_has_a_restorer() -> None:
    assert {*FIRST_EVENTS.values()} == restorers.restorers().keys()


def test_each_event_of_such_a_stream_changes_what_can_be_restored() -> None:
    """A new event of one needs nothing, unless its state does not tell what it changed."""
    states: dict[UUID, State | None] = {}
    kinds = dict[UUID, type[State]]()
    for recorded in golden_history():
        kind = kinds.setdefault(recorded.stream, FIRST_EVENTS.get(type(recorded.event), State))
        if kind is State or type(recorded.event).__name__ in NOT_RESTORED:
            continue
        before = states.get(recorded.stream)
        after = states[recorded.stream] = kind.evolve(before, recorded.event)
        found = changed_stream.changes_between(kind, before, after)
        assert {each.field for each in found} - {*DERIVED_FIELDS.get(kind, ())}, recorded.event


NOT_RESTORED = {"TaskPurged", "ProjectPurged", "CommentPurged", "TimeEntryPurged"}


def test_events_that_follow_begin_no_stream_that_can_be_restored() -> None:
    assert not BOOKKEEPING_EVENTS & FIRST_EVENTS.keys()


def test_a_change_reverted_twice_is_as_it_was() -> None:
    revert_laws.reverted_twice_is_as_it_was()


def test_what_others_did_since_a_change_stays() -> None:
    revert_laws.what_others_did_since_stays()


@pytest.mark.slow
def test_a_place_that_is_not_restored_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("commands.revert.task.PLACE_FIELDS", frozenset({"column", "status"}))
    assert_check_fails(revert_laws.reverted_twice_is_as_it_was)


@pytest.mark.slow
def test_a_merge_that_overwrites_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("commands.revert.restoration.merge", lambda _present, change: change.old)
    assert_check_fails(revert_laws.what_others_did_since_stays)


@pytest.mark.slow
def test_a_transfer_that_forgets_the_tree_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    nowhere: Change[UUID | None] = Change(None, None)
    monkeypatch.setattr("commands.revert.task_transfer.placed", lambda task, home, _: placed(task, home, nowhere))
    assert_check_fails(revert_laws.reverted_twice_is_as_it_was)
