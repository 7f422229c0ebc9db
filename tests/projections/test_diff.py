"""The diff of two moments: with it, the first state becomes the second; its events are those of a naive scan."""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import strategies as st
from psycopg.rows import dict_row

from commands.handling.command_on import CommandOn
from domain import diff
from domain.custom_field import TaskFieldSet
from domain.event import Change, Event, RecordedEvent
from domain.task import TaskRenamed
from infra.reading.tables import with_table_names
from infra.settings import Settings
from projections import diff as projected
from projections.diff import KINDS, DiffKind, DiffTarget, DocumentChanges, changed_ids, document_changes
from projections.engine import past, table
from projections.engine.connection import SyncConnection
from projections.fingerprint import fold_history
from projections.moment import Moment
from projections.question import Answer, Question
from projections.span import Span
from tests.examples import (
    ASSIGNED,
    COMMENT_ADDED,
    COMMENT_EDITED,
    COMPLETED,
    CREATED,
    FIELDS_SET,
    OTHER_PROJECT,
    POINTS,
    POINTS_SET,
    PROJECT,
    PURGED,
    RENAMED,
    REOPENED,
    RESTORED,
    TASK,
    TRASHED,
    WORKSPACE,
    comment,
    project,
    task,
    workspace,
)
from tests.law import law
from tests.planted_defects import assert_check_fails
from tests.projections import oracle
from tests.projections.engine.test_advance import facts_of, reset_database
from tests.projections.engine.test_past import append_imported, find_moment
from tests.strategies import command_sequences

TARGETS = (
    DiffTarget("task", TASK, WORKSPACE),
    DiffTarget("project", PROJECT, WORKSPACE),
    DiffTarget("project", OTHER_PROJECT, WORKSPACE),
    DiffTarget("workspace", WORKSPACE, WORKSPACE),
)
IMPORTED: Sequence[Event] = (RENAMED, TRASHED, RESTORED, COMPLETED, POINTS_SET, REOPENED, TRASHED)
SECOND_APART = """update log.events set (at, recorded_at) = (select clock, clock
    from (select now() - interval '1 hour' + notification_id * interval '1 second') as one (clock))"""
"""Times of their own for events that were appended together."""
States = dict[UUID, dict[str, Any]]
Changed = Mapping[UUID, Mapping[str, Sequence[int]]]


def diff_law(database: SyncConnection, owner: SyncConnection, settings: Settings) -> Callable[[], None]:
    """What people do, then an import into a project of its own; by position and by time."""

    @law(command_sequences, st.integers(1, 9), st.integers(0, len(IMPORTED)), examples=10)
    def the_first_state_becomes_the_second(walk: list[CommandOn], cut: int, count: int) -> None:
        reset_database(owner, database)
        oracle.append_facts(database, facts_of(walk))
        owner.execute(SECOND_APART)
        append_imported(database, owner, IMPORTED[:count])
        oracle.catch_up(database, cut)
        history = oracle.all_events(database)
        for span in spans(history, settings):
            for target in TARGETS:
                for kind in target.kinds():
                    assert_diff(database, history, span, target, kind)

    return the_first_state_becomes_the_second


def spans(history: Sequence[RecordedEvent], settings: Settings) -> Iterator[Span]:
    """Some from one position to another, and some from one time to another; the last of each are empty."""
    last = history[-1].position
    for start, end in ((0, last // 2), (last // 3, last), (last // 2, last * 2 // 3), (last // 2, last // 2)):
        yield Span(Moment(start), Moment(end))
    times = sorted({one.at for one in history})
    for first, second in (
        (0, -1),
        (len(times) // 3, len(times) // 2),
        (len(times) // 2, -1),
        (0, len(times) // 4),
        (0, 0),
    ):
        yield Span(*(asyncio.run(find_moment(settings, times[index])) for index in (first, second)))


def assert_diff(
    database: SyncConnection, history: Sequence[RecordedEvent], span: Span, target: DiffTarget, kind: DiffKind
) -> None:
    before, after = (states(history, moment, target, kind) for moment in (span.start, span.end))
    found = {one.id: one for one in differing(read_diff(database, span, target, kind), kind)}
    assert found.keys() == {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}
    changed = naive_changes(history, span, kind)
    for key, one in found.items():
        fields = diff.compare(flat(kind, one.before), flat(kind, one.after), one.positions)
        applied = diff.apply(flat(kind, before.get(key)), fields)
        expected = flat(kind, after.get(key))
        assert (applied if expected else {name: value for name, value in applied.items() if value is not None}) == (
            expected or {}
        )
        for field in fields:
            assert list(field.events) == list(changed.get(key, {}).get(field.field, ())), field.field


def states(history: Sequence[RecordedEvent], moment: Moment, target: DiffTarget, kind: DiffKind) -> States:
    """What is in the target at a moment, by a naive fold."""
    purged = purged_in(history, kind)
    rows = fold_history(kind.projection, [one for one in history if has_happened(one, moment)])
    return {
        key: shown(kind, row)
        for key, row in rows.items()
        if isinstance(key, UUID)
        and key not in purged
        and getattr(row, kind.columns[target.scope]) == target.id
        and not getattr(row, kind.gone)
    }


def has_happened(one: RecordedEvent, moment: Moment) -> bool:
    return one.position <= moment.position if moment.at is None else one.at <= moment.at


def purged_in(history: Sequence[RecordedEvent], kind: DiffKind) -> set[UUID]:
    assert kind.projection.past
    return {one.stream for one in history if isinstance(one.event, kind.projection.past.purged_by)}


def shown(kind: DiffKind, row: Any) -> dict[str, Any]:
    """A row as JSON has it."""
    content = msgspec.json.encode({name: getattr(row, name) for name in kind.fields})
    return msgspec.json.decode(content, type=dict[str, Any])


def flat(kind: DiffKind, state: diff.Document | None) -> diff.Document | None:
    return None if state is None else diff.flatten(state, kind.maps)


def naive_changes(history: Sequence[RecordedEvent], span: Span, kind: DiffKind) -> Changed:
    """The positions at which each field of each document changes in a span, one event after the other."""
    documents: dict[Any, Any] = {}
    changed: dict[UUID, dict[str, list[int]]] = {}
    for one in history:
        for key in kind.projection.keys(one) if has_happened(one, span.end) else ():
            old, new = documents.get(key), kind.projection.fold(key, documents.get(key), one)
            documents[key] = new
            if new is None or not isinstance(key, UUID) or has_happened(one, span.start):
                continue
            was, now = (flat(kind, shown(kind, row)) if row else {} for row in (old, new))
            for name in {*(was or {}), *(now or {})}:
                if old is None or (was or {}).get(name) != (now or {}).get(name):
                    changed.setdefault(key, {}).setdefault(name, []).append(one.position)
    return changed


def read_diff(database: SyncConnection, span: Span, target: DiffTarget, kind: DiffKind) -> list[DocumentChanges]:
    """The documents with new versions, read two at a time."""
    found, after = list[DocumentChanges](), None
    while ids := projected.decode_ids(ask(database, changed_ids(kind, target, after, 2).as_of(span))):
        found += projected.decode_changes(ask(database, document_changes(kind, target, ids).as_of(span)))
        after = ids[-1]
    return found


def differing(found: Sequence[DocumentChanges], kind: DiffKind) -> list[DocumentChanges]:
    return [one for one in found if diff.compare(flat(kind, one.before), flat(kind, one.after), {})]


def ask(database: SyncConnection, question: Question) -> Answer | None:
    """The answer to a question, from the serving builds."""
    numbers = {one.name: oracle.serving_build(database, one).number for one in question.projections}
    rows = list[list[Any]]()
    with database.cursor(row_factory=dict_row) as cursor:
        for query in question.queries:
            cursor.execute(with_table_names(query.sql, numbers, question.moment), question.parameters)
            rows.append([table.row_to_struct(query.row_type, row) for row in cursor.fetchall()])
    return question.build_answer(*rows)


@pytest.mark.slow
def test_the_first_state_becomes_the_second(
    database: SyncConnection, owner: SyncConnection, settings: Settings
) -> None:
    diff_law(database, owner, settings)()


def versions_that_never_end(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(past, "close_versions", lambda *_: None)


def what_is_in_the_trash(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(
        projected,
        "_in_scope_sql",
        lambda kind, scope: f"was_valid <> is_valid and {kind.columns[scope]} = %(target)s",
    )


def positions_for_times(patch: pytest.MonkeyPatch) -> None:
    patch.setattr("projections.span._HAS_BEGUN_AT", "valid_from <= %({0}_position)s")
    patch.setattr("projections.span._LASTS_AT", "valid_to > %({0}_position)s")


def only_the_last_event(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(projected, "MAX_FIELD_EVENTS", 1)


def events_of_fields_that_stay(patch: pytest.MonkeyPatch) -> None:
    """Each new version is an event of every field."""

    def changed_sql(kind: DiffKind) -> str:
        maps = "".join(f', "{name}", "{name}" as "former_{name}"' for name in kind.maps)
        return f"array{[name for name in kind.fields if name not in kind.maps]} as changed{maps}"

    patch.setattr(projected, "_changed_sql", changed_sql)


DEFECTS = [
    versions_that_never_end,
    what_is_in_the_trash,
    positions_for_times,
    only_the_last_event,
    events_of_fields_that_stay,
]


@pytest.mark.slow
@pytest.mark.parametrize("plant", DEFECTS)
def test_a_planted_defect_is_noticed(
    database: SyncConnection,
    owner: SyncConnection,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    plant: Callable[[pytest.MonkeyPatch], None],
) -> None:
    plant(monkeypatch)
    assert_check_fails(diff_law(database, owner, settings))


def changes_of(
    database: SyncConnection, start: int, end: int, kind_name: str, target: DiffTarget
) -> list[DocumentChanges]:
    """What differs between two positions, counted from the first fact of the task."""
    (kind,) = [one for one in KINDS if one.name == kind_name]
    first = oracle.position_of(database, CREATED)
    return differing(read_diff(database, Span(Moment(first + start), Moment(first + end)), target, kind), kind)


def append(database: SyncConnection, *facts: tuple[UUID, Event]) -> None:
    oracle.append_facts(database, [*workspace(), *project(), (PROJECT, FIELDS_SET), *facts])
    oracle.catch_up(database)


def test_custom_fields_differ_one_by_one(database: SyncConnection) -> None:
    more = TaskFieldSet(PROJECT, POINTS.id, Change(3, 5))
    append(database, *task(RENAMED, POINTS_SET, more))
    (found,) = changes_of(database, 1, 3, "task", TARGETS[0])
    key = f"fields.{POINTS.key}"
    first = oracle.position_of(database, POINTS_SET)
    assert found.positions[key] == [first, first + 1]
    assert (found.before, found.after) == (
        {**(found.before or {}), "fields": {}},
        {**(found.after or {}), "fields": {POINTS.key: 5}},
    )
    assert "title" not in found.positions


def test_a_task_in_the_trash_is_removed_and_one_that_is_restored_is_added(database: SyncConnection) -> None:
    append(database, *task(TRASHED, RESTORED))
    (removed,) = changes_of(database, 0, 1, "task", TARGETS[0])
    (added,) = changes_of(database, 1, 2, "task", TARGETS[0])
    assert removed.before
    assert removed.after is None
    assert added.before is None
    assert added.after
    assert not [
        one for one in changes_of(database, 0, 2, "task", TARGETS[0]) if one.before is None or one.after is None
    ]


def test_an_event_of_another_stream_is_responsible_too(database: SyncConnection) -> None:
    append(database, *task(ASSIGNED), *comment(COMMENT_EDITED))
    (found,) = changes_of(database, 1, 3, "task", TARGETS[0])
    assert found.positions["comments"] == [oracle.position_of(database, COMMENT_ADDED)]
    (added,) = changes_of(database, 1, 3, "comment", TARGETS[0])
    assert added.positions["text"] == [
        oracle.position_of(database, COMMENT_ADDED),
        oracle.position_of(database, COMMENT_EDITED),
    ]


def test_a_purged_task_is_in_no_diff(database: SyncConnection) -> None:
    append(database, *task(RENAMED, TRASHED, PURGED))
    for start, end in ((-1, 0), (0, 1), (0, 2), (1, 3), (-1, 3)):
        for target in (TARGETS[0], TARGETS[1], TARGETS[3]):
            assert changes_of(database, start, end, "task", target) == []


def test_a_task_that_was_changed_and_changed_back_differs_in_its_version_alone(database: SyncConnection) -> None:
    append(database, *task(COMPLETED, REOPENED))
    (found,) = changes_of(database, 0, 2, "task", TARGETS[0])
    fields = diff.compare(flat(KINDS[1], found.before), flat(KINDS[1], found.after), found.positions)
    assert "version" in {field.field for field in fields} <= {"version", "updated_at"}


def test_what_is_out_of_the_scope_is_not_there(database: SyncConnection) -> None:
    append(database, *task(TaskRenamed(Change("Buy milk", "Buy oats"))))
    assert changes_of(database, 0, 1, "task", DiffTarget("project", OTHER_PROJECT, WORKSPACE)) == []
    assert changes_of(database, 0, 1, "task", DiffTarget("workspace", OTHER_PROJECT, OTHER_PROJECT)) == []
