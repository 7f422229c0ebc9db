"""The oracle of projections: the naive fold of the whole log, event by event, in memory."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from msgspec.structs import replace
from psycopg.rows import dict_row
from psycopg.sql import SQL

from commands.handling.append import Append
from domain.event import Actor, Event, RecordedEvent
from domain.workspace import WorkspaceCreated
from infra import log
from infra.database.connections import connect_for_folding
from infra.log.append_call import AppendCall
from infra.rebuilding import fold_pool
from infra.rebuilding.fold_pool import LogPart, PartResult
from infra.rebuilding.outcome import RebuildOutcome
from infra.rebuilding.rebuild import ProjectionRebuild, RebuildOptions
from projections.engine import advance, builds, parked, table, tsvector_adapter
from projections.engine.builds import Build
from projections.engine.connection import SyncConnection
from projections.engine.folding import DocumentChange, Step
from projections.engine.pipeline import Pipeline
from projections.fingerprint import fold_history
from projections.moment import Moment
from projections.projection import Projection, all_projections
from tests.examples import ADA, WORKSPACE, Facts

Rows = dict[Any, Any]
BEGAN_AT = datetime(2026, 1, 1, tzinfo=UTC)
FIRST_EVENT = RecordedEvent(1, WORKSPACE, 1, WorkspaceCreated("Home"), ADA, WORKSPACE, WORKSPACE, BEGAN_AT, BEGAN_AT)
VERIFY_ONLY = RebuildOptions(1, verify_only=True)


def serving_rows(connection: SyncConnection, projection: Projection[Any]) -> Rows:
    """The documents of the serving build."""
    return build_rows(connection, serving_build(connection, projection))


def build_rows(connection: SyncConnection, build: Build) -> Rows:
    """The documents of one build."""
    with connection.cursor(row_factory=dict_row, binary=True) as cursor:
        tsvector_adapter.register(cursor)
        rows = cursor.execute(SQL("select * from {}").format(build.table_name)).fetchall()
    return {row["id"]: table.row_to_struct(build.projection.row_type, row) for row in rows}


def serving_build(connection: SyncConnection, projection: Projection[Any] | str) -> Build:
    """The serving build of a projection."""
    return builds.serving_builds(connection)[projection if isinstance(projection, str) else projection.name]


def checkpoint_position(connection: SyncConnection, name: str) -> int:
    """The position up to which all partitions of the projection have read."""
    return builds.position_range(connection, serving_build(connection, name))[0]


def parked_documents(connection: SyncConnection, name: str) -> list[str]:
    """The documents that the projection has parked."""
    return [one.document for one in parked.all_parked(connection, serving_build(connection, name))]


def all_events(connection: SyncConnection) -> Sequence[RecordedEvent]:
    return list(log.iter_events(connection, log.EventSelection()))


def matches_log(connection: SyncConnection) -> bool:
    """Every projection equals the naive fold of the log, and so does its past."""
    history = all_events(connection)
    return all(
        serving_rows(connection, projection) == fold_history(projection, history)
        for projection in all_projections().values()
    ) and all(matches_past(connection, history, len(history) * third // 3) for third in (1, 2))


def matches_past(connection: SyncConnection, history: Sequence[RecordedEvent], count: int) -> bool:
    """Every projection that keeps the past has, as of the last of the first events, the naive fold of those.

    That is without what was purged since; transient fields may have later values.
    """
    position = history[count - 1].position if count else 0
    for projection in all_projections().values():
        if projection.past:
            expected = fold_history(projection, history[:count])
            purged = {one.stream for one in history if isinstance(one.event, projection.past.purged_by)}
            kept = {key: row for key, row in expected.items() if key not in purged}
            assert lasting(projection, past_rows(connection, projection, Moment(position))) == lasting(projection, kept)
    return True


def past_rows(connection: SyncConnection, projection: Projection[Any], moment: Moment) -> Rows:
    """The documents of the serving build as they were."""
    build = serving_build(connection, projection)
    sql = SQL("select * from {} as past").format(moment.table_sql(build.table_name, build.past_table_name))
    with connection.cursor(row_factory=dict_row, binary=True) as cursor:
        tsvector_adapter.register(cursor)
        rows = cursor.execute(sql, moment.parameters()).fetchall()
    assert len({row["id"] for row in rows}) == len(rows)
    return {row["id"]: table.row_to_struct(build.projection.row_type, row) for row in rows}


def lasting(projection: Projection[Any], rows: Rows) -> Rows:
    """Documents without their transient fields."""
    transient = dict.fromkeys(projection.past.transient if projection.past else ())
    return {key: replace(row, **transient) for key, row in rows.items()}


def write_rows(connection: SyncConnection, name: str, rows: Mapping[Any, Any]) -> None:
    """Insert or replace these documents of a projection; None deletes one."""
    changes = [new_document(key, row) for key, row in rows.items()]
    threshold = connection.prepare_threshold
    table.write_documents(pipeline := Pipeline(connection), serving_build(connection, name), changes)
    pipeline.sync()
    connection.prepare_threshold = threshold  # the driver prepares the queries of readers again


def new_document(key: Any, row: Any) -> DocumentChange:
    """A document that has been there from the beginning; None deletes it."""
    return DocumentChange(key, None, row, [Step(FIRST_EVENT, row)] if row is not None else [])


def catch_up(
    connection: SyncConnection, max_events: int = 1_000, partitions: int = 1, second: SyncConnection | None = None
) -> None:
    """Fold all new events, in batches of at most `max_events`; side by side, if there is a second connection."""
    for partition in range(partitions):
        expected = None
        while reports := list(
            advance.advance(connection, partition, log.load_after, max_events, lambda: second, expected)
        ):
            expected = reports[-1].position


def rebuild_inline(url: str, name: str, options: RebuildOptions | None = None) -> RebuildOutcome:
    """Rebuild a projection as in production, except that the fold pool has no processes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("infra.rebuilding.rebuild.open_fold_pool", inline_fold_pool)
        return ProjectionRebuild(url, all_projections()[name], options or RebuildOptions(1), lambda _: None).run()


class InlineFoldPool:
    """A fold pool without processes: it works in the calling thread."""

    def __init__(self, reader: SyncConnection, writer: SyncConnection) -> None:
        self._reader, self._writer = reader, writer

    def fold_parts(self, parts: Sequence[LogPart]) -> Iterator[PartResult]:
        todo = list(parts)
        while todo:
            filled = fold_pool.fold_part(self._reader, self._writer, todo.pop(0))
            todo += [filled.remaining] if filled.remaining else []
            yield filled

    def execute_all(self, statements: Sequence[str]) -> Iterator[str]:
        for statement in statements:
            self._writer.execute(statement.encode())
            yield statement


@contextlib.contextmanager
def inline_fold_pool(url: str, *_: object) -> Iterator[InlineFoldPool]:
    with connect_for_folding(url, "test") as reader, connect_for_folding(url, "test") as writer:
        yield InlineFoldPool(reader, writer)


def append_facts(connection: SyncConnection, facts: Facts, workspace: UUID = WORKSPACE, actor: Actor = ADA) -> None:
    """Append facts to the log without checking any rule."""
    streams = dict.fromkeys((stream for stream, _ in facts), 0)
    sql = "select originator_id, max(originator_version) from log.events where originator_id = any(%s) group by 1"
    streams |= dict(connection.execute(sql, (list(streams),)).fetchall())
    group = AppendCall([Append(streams, facts, actor, uuid4(), workspace)])
    with connection.cursor(binary=True) as cursor:
        (answer,) = group.parse_results(cursor.execute(group.sql, group.parameters()).fetchall())
    if isinstance(answer, Exception):
        raise answer


def position_of(connection: SyncConnection, event: Event) -> int:
    """The position of an event that the log has once."""
    (position,) = [one.position for one in all_events(connection) if one.event == event]
    return position
