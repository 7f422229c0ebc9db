"""The task list: the columns to filter and sort by are derived from the shown ones after every change."""

from datetime import UTC, datetime, timedelta
from typing import get_args
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from domain.event import Change, Event, RecordedEvent
from domain.label import normalize_label
from domain.task import DueDateSet, Priority, TaskLabelled, TaskPrioritised
from projections import task_list
from projections.engine.connection import SyncConnection
from projections.task_list import NO_DUE_AT, StoredTaskRow, TaskRow
from tests.examples import (
    ADA,
    AGENT,
    COMPLETED,
    CREATED,
    REOPENED,
    TASK,
    WORKSPACE,
    Facts,
    fixed_uuid7,
    project,
    workspace,
)
from tests.projections import oracle

AT = datetime(2026, 11, 21, tzinfo=UTC)
PRIORITIES = get_args(Priority)
END_OF_DAY = timedelta(days=1) - timedelta(microseconds=1)


def recorded(event: Event, version: int) -> RecordedEvent:
    return RecordedEvent(version, TASK, version, event, ADA, UUID(int=version), WORKSPACE, AT, AT)


def fold_row(*events: Event) -> StoredTaskRow:
    row: StoredTaskRow | None = None
    for version, event in enumerate((CREATED, *events), 1):
        row = task_list.fold(TASK, row, recorded(event, version))
    assert row is not None
    return row


@pytest.mark.parametrize(
    ("due", "instant"),
    [
        (None, NO_DUE_AT),
        ("2026-12-01", datetime(2026, 12, 1, tzinfo=UTC) + END_OF_DAY),
        ("0001-01-01", datetime(1, 1, 1, tzinfo=UTC) + END_OF_DAY),
        ("9999-12-30", datetime(9999, 12, 30, tzinfo=UTC) + END_OF_DAY),
        ("2026-12-01T10:00:00+03:00", datetime(2026, 12, 1, 7, tzinfo=UTC)),
        ("2026-12-01T10:00:00Z", datetime(2026, 12, 1, 10, tzinfo=UTC)),
        ("0001-01-01T00:00:00+14:00", NO_DUE_AT),
        ("9999-12-31T23:59:59-01:00", NO_DUE_AT),
        ("soon", NO_DUE_AT),
        ("", NO_DUE_AT),
    ],
)
def test_a_task_is_due_at_an_instant(due: str | None, instant: datetime) -> None:
    assert fold_row(DueDateSet(Change(CREATED.due, due))).due_at == instant


def test_tags_are_case_folded_labels() -> None:
    task = fold_row(TaskLabelled("STRASSE", Change(CREATED.labels, ("Straße", "Ёлка"))))
    assert task.labels == ("Straße", "Ёлка")
    assert task.tags == (normalize_label("STRASSE"), normalize_label("ёлка"))


@given(st.lists(st.sampled_from(["due", "priority", "labels"]), max_size=6), st.data())
def test_hidden_columns_are_derived_from_shown_ones(changed: list[str], data: st.DataObject) -> None:
    task, events = fold_row(), list[Event]()
    for field in changed:
        match field:
            case "due":
                day = data.draw(st.none() | st.dates().map(str))
                events.append(DueDateSet(Change(task.due, day)))
            case "priority":
                events.append(TaskPrioritised(Change(task.priority, data.draw(st.sampled_from(PRIORITIES)))))
            case _:
                labels = tuple(data.draw(st.lists(st.text(min_size=1), max_size=3)))
                events.append(TaskLabelled("one", Change(task.labels, labels)))
        task = fold_row(*events)
    assert task.due_at == task_list.due_at(task.due)
    assert task.tags == tuple(map(normalize_label, task.labels))


def test_shown_columns_come_first_and_the_rest_is_hidden() -> None:
    shown = TaskRow.__struct_fields__
    assert StoredTaskRow.__struct_fields__[: len(shown)] == shown
    assert not {"due_at", "urgency", "tags", "updated_hour"} & set(shown)


def test_urgency_is_the_index_of_the_priority_and_hours_count_from_the_epoch(database: SyncConnection) -> None:
    facts = [fact for number, name in enumerate(PRIORITIES) for fact in row_with_priority(number, name)]
    oracle.append_facts(database, [*workspace(), *project(), *facts])
    oracle.catch_up(database)
    table = oracle.serving_build(database, "task_list").table_name.as_string(database)
    sql = f"select priority, urgency, updated_hour, updated_at from {table} order by urgency"  # noqa: S608 - our own text
    rows = database.execute(sql).fetchall()
    assert [(name, place) for name, place, *_ in rows] == [(name, place) for place, name in enumerate(PRIORITIES)]
    assert all(hour == at.timestamp() // 3_600 for *_, hour, at in rows)
    assert list(PRIORITIES) == ["none", "low", "medium", "high", "urgent"]


def row_with_priority(number: int, name: Priority) -> Facts:
    return [(fixed_uuid7(100 + number), replace(CREATED, number=number, key=f"HOME-{number}", priority=name))]


def test_a_task_names_who_created_and_who_completed_it() -> None:
    created = fold_row()
    assert (created.created_by, created.completed_at, created.completed_by) == (ADA.id, None, None)
    done = task_list.fold(TASK, created, replace(recorded(COMPLETED, 2), actor=AGENT))
    assert done is not None
    assert (done.created_by, done.completed_at, done.completed_by) == (ADA.id, AT, AGENT.user_id)
    renamed = task_list.fold(TASK, done, recorded(TaskLabelled("Shop", Change((), ("Shop",))), 3))
    assert renamed is not None
    assert (renamed.completed_at, renamed.completed_by) == (AT, AGENT.user_id)
    reopened = task_list.fold(TASK, renamed, recorded(REOPENED, 4))
    assert reopened is not None
    assert (reopened.completed_at, reopened.completed_by) == (None, None)
