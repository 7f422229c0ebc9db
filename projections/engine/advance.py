"""Advancing: fold what is new in the log into all builds that stand at the same position, in one transaction.

The checkpoints move first, only where they are still what was read: whoever comes late writes nothing. Rows,
checkpoints and generations of all of them are committed together, or not at all. What each batch costs, a look, a
transaction, a message, is so paid once and not for each projection.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from typing import TypeAlias
from uuid import UUID

import psycopg
from msgspec import Struct, field
from msgspec.structs import replace

from domain.event import Recorded
from projections import fingerprint
from projections.engine import builds, folding, generations, parked, table, writing
from projections.engine.builds import Build, Database
from projections.engine.folding import Folded, Skips
from projections.engine.table import Rows
from projections.engine.writing import Save, Work
from projections.projection import by_position

Read: TypeAlias = Callable[[Database, int, int], Sequence[Recorded]]
"""The next events of the log after a position, so many at most."""

MOST = 4_000
"""So many events, at most, make a batch where one build is folded alone."""
BULK = 500
"""So many events are a backlog: new documents go in by COPY. Fewer are written without waiting for each answer."""
_TAKE = """update read.checkpoints set position = %s, moved_at = clock_timestamp(),
      rate = rate * exp(-least(extract(epoch from clock_timestamp() - moved_at)::float8 / 10, 60)) + %s / 10.0
    where (build, partition) in (
      select build, partition from read.checkpoints
      where (build, partitions) in (select * from unnest(%b::int[], %b::int[]))
        and partition = %s and position = %s
      order by build for update skip locked)
    returning build, exists (select from read.parked where parked.build = checkpoints.build)"""


class Progress(Struct, frozen=True):
    """What one batch did: how far these projections have read, and the new generation of each scope that changed.

    It began where the batch before it ended, at `start`: who did not hear of that one has missed something. `code`
    says by whose fold: builds of other code may be elsewhere.
    """

    projections: list[str]
    partition: int
    start: int
    position: int
    events: int
    generations: dict[str, dict[UUID, int]] = {}
    code: str = field(default_factory=fingerprint.code)


class Batch(Struct, frozen=True):
    """Events that follow a position, one after the other, for one partition; at least one."""

    partition: int
    start: int
    events: Sequence[Recorded]
    skips: Skips = ()

    def work(self, build: Build) -> Work:
        """What it has in store for a build. Raises what the projection's `keys` raises."""
        return Work(build, folding.touched(build.projection, self.events, self.partition, build.partitions))


class StandsStill(Exception):
    """Something is wrong with a projection as a whole; the others have gone on."""


def advance(connection: Database, partition: int, read: Read, most: int) -> Iterator[Progress]:
    """Fold the next batch, at most so many events, for each group of builds that stand at the same position.

    Nothing where nothing is new, or where somebody else is at it, who will look again. Raises StandsStill at
    the end.
    """
    stands = builds.stands(connection, partition)
    starts = sorted({position for _, position in stands})
    still: list[str] = []
    for start, next_ in zip(starts, [*starts[1:], None], strict=True):
        events = read(connection, start, most)
        if next_ is not None:
            events = [one for one in events if one.position <= next_]
        if events:
            batch = Batch(partition, start, events)
            yield from _taken(connection, [build for build, position in stands if position == start], batch, still)
    if still:
        raise StandsStill("; ".join(still))


def follow(connection: Database, build: Build, read: Read, until: int, skips: Skips = ()) -> None:
    """Fold one build alone, all partitions of it, up to the event at a position, without what is to be left out."""
    for partition in range(build.partitions):
        while (start := builds.position(connection, build, partition)) < until:
            events = [one for one in read(connection, start, MOST) if one.position <= until]
            if not events or take(connection, [build], Batch(partition, start, events, skips)) is None:
                break


def split(connection: Database, build: Build, read: Read, partitions: int) -> None:
    """Fold the build in so many partitions from now on."""
    with connection.transaction():
        build = builds.freeze(connection, build)
        until = builds.span(connection, build)[1]
        follow(connection, build, read, until)
        builds.start(connection, replace(build, partitions=partitions), until)


def take(connection: Database, group: Sequence[Build], batch: Batch) -> Progress | None:
    """Fold a batch into those builds that still stand where it begins; None where none does."""
    works = [batch.work(build) for build in group]
    try:
        return _take(connection, works, batch, writing.copied if len(batch.events) > BULK else writing.together)
    except writing.REFUSED:  # find out which document it is
        return _take(connection, works, batch, writing.one_by_one)


def _taken(connection: Database, group: Sequence[Build], batch: Batch, still: list[str]) -> Iterator[Progress]:
    """All together; where that fails, each by itself, so that what is wrong with one holds up no other."""
    try:
        progress = take(connection, group, batch)
    except (psycopg.OperationalError, psycopg.InterfaceError):
        raise  # the database is away, which is about no projection
    except Exception as error:  # noqa: BLE001 - whatever it is
        if len(group) == 1:
            still.append(f"{group[0].projection.name} after {batch.start}: {type(error).__name__}: {error}")
            return
        for build in group:
            yield from _taken(connection, [build], batch, still)
    else:
        if progress:
            yield progress


def _take(connection: Database, works: Sequence[Work], batch: Batch, save: Save) -> Progress | None:
    end, count = batch.events[-1].position, len(batch.events)
    expected = [work.build.number for work in works], [work.build.partitions for work in works]
    with connection.pipeline() if save is writing.together else nullcontext() as pipeline, connection.transaction():
        taken = connection.execute(_TAKE, (end, count, *expected, batch.partition, batch.start), prepare=True)
        asked = [(work, table.loading(connection, work.build, {key for key, _ in work.touched})) for work in works]
        mine: dict[int, bool] = dict(taken.fetchall())
        found = [
            (work, table.loaded(work.build, rows), _closed(connection, work.build, mine[work.build.number]))
            for work, rows in asked
            if work.build.number in mine
        ]
        if pipeline:
            pipeline.sync()  # or the server takes us for at work while we fold, and does not part us if we stop there
        folded = [(*one, folding.fold(one[0].build.projection, one[0].touched, *one[1:], batch.skips)) for one in found]
        changed = {work.build: _written(connection, work, before, after, save) for work, before, _, after in folded}
        aged = generations.age(connection, changed)
    names = [build.projection.name for build in changed]
    told = generations.told(changed, aged)
    return Progress(names, batch.partition, batch.start, end, count, told) if changed else None


def _closed(connection: Database, build: Build, has_parked: bool) -> set[str]:  # noqa: FBT001
    """The documents that are parked already, where an event may come for one of them."""
    is_asked = has_parked and build.projection.keys is not by_position  # no event comes twice
    return parked.documents(connection, build) if is_asked else set()


def _written(connection: Database, work: Work, before: Rows, after: Folded, save: Save) -> set[UUID]:
    """Write what changed, and answer the scopes in which something did."""
    parked.park(connection, work.build, [*after.parked, *save(connection, work, before, after.changed)])
    return set(folding.scopes(work.build.projection, before, after.changed))
