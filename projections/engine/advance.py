"""Advancing: fold new events of the log into all builds at the same position, in one transaction.

The checkpoints advance first, and only if they are still as read: a worker that comes late writes nothing. Rows,
checkpoints and generations of all builds are committed together, or not at all. So the cost of a batch (a poll, a
transaction, a message) is paid once, not for each projection.

The batch of a backlog is large enough to pay this cost for each build that it touches. Each of these then has a
transaction of its own, and two are in flight at once: this process folds one while PostgreSQL writes the other.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeAlias
from uuid import UUID

import psycopg
from msgspec import Struct, field
from msgspec.structs import replace

from domain.event import RecordedEvent
from projections import fingerprint
from projections.engine import builds, cache_generations, folding, parked, past, table, writing
from projections.engine.builds import Build
from projections.engine.connection import SyncConnection
from projections.engine.folding import FoldResult, Skips
from projections.engine.pipeline import Pipeline, array_literal
from projections.engine.writing import BuildWork, WriteDocuments
from projections.moment import PAST_SCOPE
from projections.projection import key_by_position

ReadEvents: TypeAlias = Callable[[SyncConnection | Pipeline, int, int], Sequence[RecordedEvent]]
"""Reads the next events of the log after a position, up to a number of them; a pipeline is synced."""
OpenSecond: TypeAlias = Callable[[], SyncConnection | None]
"""A second connection for the backlog of a partition; None if there can be none."""

MAX_BATCH_EVENTS = 4_000
"""The largest batch; a build that is folded alone always gets batches of this size."""
MAX_PIPELINED_EVENTS = 500
"""A larger batch is a backlog, written by COPY; a smaller one is pipelined. A worker begins with this size."""
_ADVANCE_CHECKPOINTS = b"""update read.checkpoints set position = $1, moved_at = clock_timestamp(),
      rate = rate * exp(-least(extract(epoch from clock_timestamp() - moved_at)::float8 / 10, 60)) + $2 / 10.0
    where ctid = any (array(
      select checkpoints.ctid from unnest($3::int[], $4::int[]) as expected (build, partitions)
      join read.checkpoints using (build, partitions) where partition = $5 and position = $6
      for update of checkpoints skip locked))
    returning build, exists (select from read.parked where parked.build = checkpoints.build)"""


class BatchReport(Struct, frozen=True):
    """The result of a batch: the new position of these projections, and the generation of each scope that changed.

    It follows the batch that ended at `start`: a reader that did not receive that one has missed a report. `code` is
    the fingerprint of the code that folded: builds of other code may be at another position. `database` is the identity
    of the database; empty if it was not asked for.
    """

    projections: list[str]
    partition: int
    start: int
    position: int
    events: int
    generations: dict[str, dict[UUID, int]] = {}
    code: str = field(default_factory=fingerprint.code_fingerprint)
    database: str = ""


class EventBatch(Struct, frozen=True):
    """Consecutive events after a position, at least one, for one partition."""

    partition: int
    start: int
    events: Sequence[RecordedEvent]
    skips: Skips = ()

    def may_touch(self, build: Build) -> bool:
        """Whether there are events of a type that the projection folds; it may fold any if it names none."""
        folded = build.projection.event_types
        return not folded or any(type(one.event) in folded for one in self.events)

    def work_for(self, build: Build) -> BuildWork:
        """The documents of a build, with their events. Raises what the projection's `keys` raises."""
        touched = folding.events_by_document(build.projection, self.events, self.partition, build.partitions)
        return BuildWork(build, touched)


class ProjectionStuck(Exception):
    """A projection cannot be folded at all; the others have advanced."""


def advance(  # noqa: PLR0913, PLR0917 - where to read from, how much, and on which connections
    connection: SyncConnection,
    partition: int,
    read_events: ReadEvents,
    max_events: int,
    open_second: OpenSecond = lambda: None,
    expected: int | None = None,
) -> Iterator[BatchReport]:
    """Fold the next batch, at most so many events, for each group of builds that stand at the same position.

    Yields nothing if there are no new events, or if another worker has the checkpoint: it polls again. Raises
    ProjectionStuck at the end. `expected` is where the builds probably stand: events after it are read at once.
    """
    rows = builds.select_positions(pipeline := Pipeline(connection), partition)
    prefetched = [] if expected is None else read_events(pipeline, expected, max_events)
    pipeline.sync()
    positions = builds.builds_with_positions(rows)
    starts = sorted({position for _, position in positions})
    stuck: list[str] = []
    for start, next_ in zip(starts, [*starts[1:], None], strict=True):
        events = prefetched if start == expected else read_events(connection, start, max_events)
        if next_ is not None:
            events = [one for one in events if one.position <= next_]
        if events:
            group = [build for build, position in positions if position == start]
            batch, is_backlog = EventBatch(partition, start, events), len(events) > MAX_PIPELINED_EVENTS
            if is_backlog and len(group) > 1 and (second := open_second()):
                yield from _fold_side_by_side((connection, second), group, batch, stuck)
            else:
                yield from _fold_group(connection, group, batch, stuck)
    if stuck:
        raise ProjectionStuck("; ".join(stuck))


def catch_up(connection: SyncConnection, build: Build, read_events: ReadEvents, until: int, skips: Skips = ()) -> None:
    """Fold all partitions of one build up to a position, without the skipped events."""
    for partition in range(build.partitions):
        while (start := builds.checkpoint_position(connection, build, partition)) < until:
            events = [one for one in read_events(connection, start, MAX_BATCH_EVENTS) if one.position <= until]
            if not events or fold_batch(connection, [build], EventBatch(partition, start, events, skips)) is None:
                break


def repartition(connection: SyncConnection, build: Build, read_events: ReadEvents, partitions: int) -> None:
    """Split the build into this number of partitions from now on."""
    with connection.transaction():
        build = builds.lock_checkpoints(connection, build)
        until = builds.position_range(connection, build)[1]
        catch_up(connection, build, read_events, until)
        builds.set_checkpoints(connection, replace(build, partitions=partitions), until)


def fold_batch(connection: SyncConnection, group: Sequence[Build], batch: EventBatch) -> BatchReport | None:
    """Fold a batch into those builds that are still at its start; None if none is."""
    works = [batch.work_for(build) for build in group]
    try:
        return _fold_transaction(
            connection, works, batch, writing.by_copy if len(batch.events) > MAX_PIPELINED_EVENTS else writing.pipelined
        )
    except writing.REJECTION_ERRORS:  # find the document that is rejected
        return _fold_transaction(connection, works, batch, writing.row_by_row)


def _fold_side_by_side(
    connections: Sequence[SyncConnection], group: Sequence[Build], batch: EventBatch, stuck: list[str]
) -> Iterator[BatchReport]:
    """Fold each build that the batch touches by itself, one on each connection at a time, and the others together.

    Those with the most indexes take longest, so they are first.
    """
    touched = sorted(filter(batch.may_touch, group), key=lambda build: -len(build.projection.indexes))
    others = [build for build in group if build not in touched]
    waiting = iter([*([build] for build in touched), *([others] if others else [])])
    reports = list[BatchReport]()

    def fold_waiting(connection: SyncConnection) -> None:
        for builds_ in waiting:
            reports.extend(list(_fold_group(connection, builds_, batch, stuck)))

    with ThreadPoolExecutor(len(connections)) as threads:
        runs = [threads.submit(fold_waiting, connection) for connection in connections]
    yield from reports
    for run in runs:
        run.result()


def _fold_group(
    connection: SyncConnection, group: Sequence[Build], batch: EventBatch, stuck: list[str]
) -> Iterator[BatchReport]:
    """Fold the group together; if that fails, fold each build alone, so that a fault of one stops no other."""
    try:
        progress = fold_batch(connection, group, batch)
    except (psycopg.OperationalError, psycopg.InterfaceError):
        raise  # the database is away: no fault of a projection
    except Exception as error:  # noqa: BLE001 - any error is a fault of this projection
        if len(group) == 1:
            stuck.append(f"{group[0].projection.name} after {batch.start}: {type(error).__name__}: {error}")
            return
        for build in group:
            yield from _fold_group(connection, [build], batch, stuck)
    else:
        if progress:
            yield progress


def _fold_transaction(
    connection: SyncConnection, works: Sequence[BuildWork], batch: EventBatch, write: WriteDocuments
) -> BatchReport | None:
    end, count = batch.events[-1].position, len(batch.events)
    numbers = array_literal(work.build.number for work in works)
    partitions = array_literal(work.build.partitions for work in works)
    pipeline = Pipeline(connection)
    with pipeline.transaction():
        advanced = pipeline.send(_ADVANCE_CHECKPOINTS, end, count, numbers, partitions, batch.partition, batch.start)
        selects = [(work, table.select_documents(pipeline, work.build, work.loaded_keys())) for work in works]
        pipeline.sync()  # nothing is under way while we fold, so the server applies its idle timeout
        has_parked: dict[int, bool] = dict(advanced)
        loaded = [
            (
                work,
                table.documents_by_key(work.build, rows),
                _parked_keys(connection, work.build, has_parked[work.build.number]),
            )
            for work, rows in selects
            if work.build.number in has_parked
        ]
        folded = [
            (work, folding.fold_documents(work.build.projection, work.events, before, parked_keys, batch.skips))
            for work, before, parked_keys in loaded
        ]
        changed = {work.build: _write_changes(pipeline, work, result, write) for work, result in folded}
        bumped = cache_generations.bump(pipeline, changed)
    names = [build.projection.name for build in changed]
    new_generations = cache_generations.by_projection(changed, bumped)
    return BatchReport(names, batch.partition, batch.start, end, count, new_generations) if changed else None


def _parked_keys(connection: SyncConnection, build: Build, has_parked: bool) -> set[str]:  # noqa: FBT001
    """The keys of parked documents, if an event may touch one of them."""
    is_asked = has_parked and build.projection.keys is not key_by_position  # no event comes twice
    return parked.parked_keys(connection, build) if is_asked else set()


def _write_changes(pipeline: Pipeline, work: BuildWork, result: FoldResult, write: WriteDocuments) -> set[UUID]:
    """Write the changed documents; returns the scopes that changed, or so many that all may have."""
    parked.park(pipeline.connection, work.build, [*result.parked, *write(pipeline, work, result.changes)])
    scopes = set[UUID]()
    for scope in folding.changed_scopes(work.build.projection, result.changes):
        scopes.add(scope)
        if len(scopes) > cache_generations.MAX_BUMPED_SCOPES:
            break
    if work.build.projection.past and past.changes_the_past(work.build.projection.past, result.changes):
        scopes.add(PAST_SCOPE)
    return scopes
