"""The task list: what it is found and sorted by follows from what is shown, whatever changed that."""

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
from projections.engine.builds import SyncConnection
from projections.task_list import NO_DUE_AT, StoredTaskRow, TaskRow
from tests.examples import ADA, CREATED, TASK, WORKSPACE, Facts, id7, project, workspace
from tests.projections import oracle

AT = datetime(2026, 11, 21, tzinfo=UTC)
PRIORITIES = get_args(Priority)
LAST = timedelta(days=1) - timedelta(microseconds=1)


def recorded(event: Event, version: int) -> RecordedEvent:
    return RecordedEvent(version, TASK, version, event, ADA, UUID(int=version), WORKSPACE, AT, AT)


def folded(*events: Event) -> StoredTaskRow:
    row: StoredTaskRow | None = None
    for version, event in enumerate((CREATED, *events), 1):
        row = task_list.fold(TASK, row, recorded(event, version))
    assert row is not None
    return row


@pytest.mark.parametrize(
    ("due", "instant"),
    [
        (None, NO_DUE_AT),
        ("2026-12-01", datetime(2026, 12, 1, tzinfo=UTC) + LAST),
        ("0001-01-01", datetime(1, 1, 1, tzinfo=UTC) + LAST),
        ("9999-12-30", datetime(9999, 12, 30, tzinfo=UTC) + LAST),
        ("2026-12-01T10:00:00+03:00", datetime(2026, 12, 1, 7, tzinfo=UTC)),
        ("2026-12-01T10:00:00Z", datetime(2026, 12, 1, 10, tzinfo=UTC)),
        ("0001-01-01T00:00:00+14:00", NO_DUE_AT),
        ("9999-12-31T23:59:59-01:00", NO_DUE_AT),
        ("soon", NO_DUE_AT),
        ("", NO_DUE_AT),
    ],
)
def test_a_task_is_due_at_an_instant(due: str | None, instant: datetime) -> None:
    assert folded(DueDateSet(Change(CREATED.due, due))).due_at == instant


def test_tags_are_labels_however_they_are_written() -> None:
    task = folded(TaskLabelled("STRASSE", Change(CREATED.labels, ("Straße", "Ёлка"))))
    assert task.labels == ("Straße", "Ёлка")
    assert task.tags == (normalize_label("STRASSE"), normalize_label("ёлка"))


@given(st.lists(st.sampled_from(["due", "priority", "labels"]), max_size=6), st.data())
def test_what_is_kept_besides_follows_from_what_is_shown(changed: list[str], data: st.DataObject) -> None:
    task, events = folded(), list[Event]()
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
        task = folded(*events)
    assert task.due_at == task_list.due_at(task.due)
    assert task.tags == tuple(map(normalize_label, task.labels))


def test_what_is_shown_stands_first_in_a_row_and_the_rest_is_not_shown() -> None:
    shown = TaskRow.__struct_fields__
    assert StoredTaskRow.__struct_fields__ == (*shown, "due_at", "tags")
    assert not {"due_at", "urgency", "tags", "updated_hour"} & set(shown)


def test_urgency_is_the_place_of_a_priority_and_hours_are_counted_from_the_epoch(database: SyncConnection) -> None:
    facts = [fact for number, name in enumerate(PRIORITIES) for fact in prioritised(number, name)]
    oracle.write(database, [*workspace(), *project(), *facts])
    oracle.catch_up(database)
    table = oracle.build_of(database, "task_list").table_name.as_string(database)
    sql = f"select priority, urgency, updated_hour, updated_at from {table} order by urgency"  # noqa: S608 - our own text
    rows = database.execute(sql).fetchall()
    assert [(name, place) for name, place, *_ in rows] == [(name, place) for place, name in enumerate(PRIORITIES)]
    assert all(hour == at.timestamp() // 3_600 for *_, hour, at in rows)
    assert list(PRIORITIES) == ["none", "low", "medium", "high", "urgent"]


def prioritised(number: int, name: Priority) -> Facts:
    return [(id7(100 + number), replace(CREATED, number=number, key=f"HOME-{number}", priority=name))]
