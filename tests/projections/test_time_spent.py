"""The time spent on a task equals a recount of its entries, also after a rebuild; planted defects break it."""

from collections import Counter
from collections.abc import Callable, Sequence
from uuid import UUID

import pytest
from hypothesis import strategies as st
from msgspec.structs import replace

from commands.time_entry import AddTimeEntry, DeleteTimeEntry, EditTimeEntry
from commands.trash import RestoreTask, TrashTask
from domain import time_entry as time_entry_events
from domain.errors import Refusal
from domain.event import RecordedEvent, fold
from domain.time_entry import TimeEntry, TimeEntryDeleted, TimeEntryEdited
from infra.settings import Settings
from projections import task_list, time_entry_list
from projections.engine.connection import SyncConnection
from projections.fingerprint import fold_history
from projections.task_list import StoredTaskRow, folding
from tests.commands.comment_laws import ActedCommand
from tests.commands.decision_laws import at_current_version
from tests.examples import (
    ADA,
    BOB,
    OTHER_TASK,
    OTHER_TIME_ENTRY,
    RENAMED,
    TASK,
    TIME_DELETED,
    TIME_EDITED,
    TIME_ENTRY,
    fixed_uuid7,
    member,
    project,
    task,
    time_entry,
    workspace,
)
from tests.given import EventHistory
from tests.law import law
from tests.planted_defects import assert_check_fails
from tests.projections import oracle
from tests.projections.test_comment_count import recorded_events
from tests.strategies import COMMAND_STRATEGIES

_commands = st.one_of(
    *(COMMAND_STRATEGIES[kind] for kind in (AddTimeEntry, EditTimeEntry, DeleteTimeEntry, TrashTask, RestoreTask)),
    COMMAND_STRATEGIES[AddTimeEntry],
    COMMAND_STRATEGIES[EditTimeEntry],
)
_timesheets = st.lists(st.tuples(st.sampled_from([ADA, ADA, BOB]), _commands), min_size=4, max_size=20)
"""Of an owner and a member."""


@law(_timesheets, examples=300)
def the_time_spent_equals_a_recount(timesheet: Sequence[ActedCommand]) -> None:
    history = EventHistory([*workspace(), *member(), *project(), *task(), *task(task_id=OTHER_TASK, number=2)])
    for actor, drawn in timesheet:
        try:
            written = history.decide(at_current_version(drawn, history), actor=actor).new_events
        except Refusal:
            continue
        history = EventHistory([*history.facts, *written])
    facts = recorded_events(history.facts)
    rows = fold_history(task_list.projection, facts)
    recounted = Counter[UUID]()
    for stream in history.streams:
        if entry := fold(TimeEntry, history.events(stream)):
            recounted[entry.task_id] += entry.minutes
    assert {id_: rows[id_].spent for id_ in (TASK, OTHER_TASK)} == {id_: recounted[id_] for id_ in (TASK, OTHER_TASK)}
    listed = Counter[UUID]()
    for entry in fold_history(time_entry_list.projection, facts).values():
        listed[entry.task_id] += entry.minutes
    assert +listed == +recounted


def test_the_time_spent_equals_a_recount() -> None:
    the_time_spent_equals_a_recount()


def corrections_add_all_minutes(patch: pytest.MonkeyPatch) -> None:
    minutes_added = time_entry_events.minutes_added
    patch.setattr(
        folding,
        "minutes_added",
        lambda event: event.minutes.new if isinstance(event, TimeEntryEdited) else minutes_added(event),
    )


def deletions_leave_the_minutes(patch: pytest.MonkeyPatch) -> None:
    after_touch = folding._after_touch  # noqa: SLF001 - the defect belongs in this function

    def forgetful(row: StoredTaskRow, recorded: RecordedEvent) -> StoredTaskRow:
        return row if isinstance(recorded.event, TimeEntryDeleted) else after_touch(row, recorded)

    patch.setattr(folding, "_after_touch", forgetful)


def corrections_touch_nothing(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(TimeEntryEdited, "touches", lambda _: ())


@pytest.mark.parametrize("plant", [corrections_add_all_minutes, deletions_leave_the_minutes, corrections_touch_nothing])
def test_a_planted_defect_is_noticed(
    monkeypatch: pytest.MonkeyPatch, plant: Callable[[pytest.MonkeyPatch], None]
) -> None:
    plant(monkeypatch)
    assert_check_fails(the_time_spent_equals_a_recount)


def test_an_entry_is_no_change_of_the_task_itself(database: SyncConnection) -> None:
    oracle.append_facts(database, [*workspace(), *project(), *task(RENAMED)])
    oracle.catch_up(database)
    before = oracle.serving_rows(database, task_list.projection)[TASK]
    oracle.append_facts(database, time_entry(TIME_EDITED))
    oracle.catch_up(database)
    assert oracle.serving_rows(database, task_list.projection)[TASK] == replace(before, spent=60)


def test_a_rebuild_counts_alike(database: SyncConnection, settings: Settings) -> None:
    oracle.append_facts(database, [*workspace(), *project(), *task(), *task(task_id=OTHER_TASK, number=2)])
    oracle.append_facts(database, [*time_entry(TIME_EDITED), *time_entry(TIME_DELETED, entry_id=OTHER_TIME_ENTRY)])
    oracle.catch_up(database)
    oracle.append_facts(database, [*time_entry(entry_id=fixed_uuid7(143)), (TASK, RENAMED)])
    oracle.catch_up(database)
    rows, entries = (oracle.serving_rows(database, one.projection) for one in (task_list, time_entry_list))
    assert (rows[TASK].spent, rows[OTHER_TASK].spent) == (150, 0)
    assert {id_: entry.minutes for id_, entry in entries.items()} == {TIME_ENTRY: 60, fixed_uuid7(143): 90}
    assert oracle.matches_log(database)
    for name in ("task_list", "time_entry_list"):
        assert oracle.rebuild_inline(settings.database_url, name).switched
    assert oracle.serving_rows(database, task_list.projection) == rows
    assert oracle.serving_rows(database, time_entry_list.projection) == entries
