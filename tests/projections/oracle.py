"""What a projection must show: the naive fold of the whole log, one event after the other, in memory."""

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID, uuid4

import pytest
from psycopg.rows import dict_row
from psycopg.sql import SQL

from commands.handling.append import Append
from domain.event import Event, RecordedEvent
from infra import log
from infra.database.pool import connect_for_folding
from infra.log.appending import CALL_APPEND, AppendCall
from infra.rebuilding import worker_pool
from infra.rebuilding.outcome import RebuildOptions, RebuildOutcome
from infra.rebuilding.rebuild import ProjectionRebuild
from infra.rebuilding.worker_pool import LogPart, PartResult
from projections.engine import advance, builds, parked, table
from projections.engine.builds import Build, SyncConnection
from projections.fingerprint import fold_history
from projections.projection import Projection, all_projections
from tests.examples import ADA, WORKSPACE, Facts

Rows = dict[Any, Any]
VERIFY = RebuildOptions(1, verify_only=True)


def shown(connection: SyncConnection, projection: Projection[Any]) -> Rows:
    """The documents that the build holds which answers."""
    return held(connection, build_of(connection, projection))


def held(connection: SyncConnection, build: Build) -> Rows:
    """The documents of one build."""
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(SQL("select * from {}").format(build.table_name)).fetchall()
    return {row["id"]: table.row_to_struct(build.projection.row_type, row) for row in rows}


def build_of(connection: SyncConnection, projection: Projection[Any] | str) -> Build:
    """The build that answers."""
    return builds.serving_builds(connection)[projection if isinstance(projection, str) else projection.name]


def position(connection: SyncConnection, name: str) -> int:
    """How far all partitions of the projection have read."""
    return builds.position_range(connection, build_of(connection, name))[0]


def parked_in(connection: SyncConnection, name: str) -> list[str]:
    """The documents that the projection has parked."""
    return [one.document for one in parked.all_parked(connection, build_of(connection, name))]


def all_events(connection: SyncConnection) -> Sequence[RecordedEvent]:
    return log.load_after(connection, 0, 1_000_000)


def is_right(connection: SyncConnection) -> bool:
    """Every projection equals the naive fold of the log."""
    history = all_events(connection)
    return all(
        shown(connection, projection) == fold_history(projection, history) for projection in all_projections().values()
    )


def catch_up(connection: SyncConnection, cut: int = 1_000, partitions: int = 1) -> None:
    """Fold all that is new, so many events a batch."""
    for partition in range(partitions):
        while list(advance.advance(connection, partition, log.load_after, cut)):
            pass


def rebuilt(url: str, name: str, wish: RebuildOptions | None = None) -> RebuildOutcome:
    """Rebuild a projection by everything but processes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("infra.rebuilding.rebuild.open_fold_pool", _alone)
        return ProjectionRebuild(url, all_projections()[name], wish or RebuildOptions(1), lambda _: None).run()


class Alone:
    """A crew that is no process: all that they do is done here."""

    def __init__(self, reader: SyncConnection, writer: SyncConnection) -> None:
        self._reader, self._writer = reader, writer

    def fold_parts(self, parts: Sequence[LogPart]) -> Iterator[PartResult]:
        todo = list(parts)
        while todo:
            filled = worker_pool.fold_part(self._reader, self._writer, todo.pop(0))
            todo += [filled.remaining] if filled.remaining else []
            yield filled

    def execute_all(self, statements: Sequence[str]) -> Iterator[str]:
        for statement in statements:
            self._writer.execute(statement.encode())
            yield statement


@contextlib.contextmanager
def _alone(url: str, *_: object) -> Iterator[Alone]:
    with connect_for_folding(url, "test") as reader, connect_for_folding(url, "test") as writer:
        yield Alone(reader, writer)


def write(connection: SyncConnection, facts: Facts, workspace: UUID = WORKSPACE) -> None:
    """Put facts into the log as they are, without asking any rule."""
    streams = dict.fromkeys((stream for stream, _ in facts), 0)
    sql = "select originator_id, max(originator_version) from log.events where originator_id = any(%s) group by 1"
    streams |= dict(connection.execute(sql, (list(streams),)).fetchall())
    group = AppendCall([Append(streams, facts, ADA, uuid4(), workspace)])
    with connection.cursor(binary=True) as cursor:
        (answer,) = group.parse_results(cursor.execute(CALL_APPEND, group.parameters()).fetchall())
    if isinstance(answer, Exception):
        raise answer


def place(connection: SyncConnection, event: Event) -> int:
    """The position of an event that stands in the log once."""
    (position,) = [one.position for one in all_events(connection) if one.event == event]
    return position
