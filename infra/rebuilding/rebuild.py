"""Rebuilding a projection: fold a new build beside the live one, compare them row by row, and switch.

The live build is untouched until the switch, which is one transaction. A rebuild that is killed leaves a table that
is not served; the next rebuild drops it.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from functools import partial
from time import monotonic
from typing import Any

import psycopg
from msgspec import Struct
from psycopg.sql import SQL

from infra import log
from infra.database.connections import connect_for_folding
from infra.errors import OperatorError
from infra.log import slices
from infra.rebuilding import refold
from infra.rebuilding.fold_pool import APPLICATION_NAME, EVENTS_PER_PART, FoldPool, open_fold_pool, split_log
from infra.rebuilding.outcome import RebuildOutcome, RebuildProgress
from infra.rebuilding.throttle import Throttle
from projections.engine import advance, build_lock, builds, comparison, parked, table, writing
from projections.engine.builds import Build
from projections.engine.comparison import Comparison, RowDifference
from projections.engine.connection import SyncConnection
from projections.projection import DocumentKey, Projection, parse_key

MAX_SWITCH_LAG_EVENTS = 1_000
"""A build with less lag can be switched to: the rest is folded in a moment."""
MAX_COMPARE_LAG_EVENTS = 100_000
"""A build with more lag is not compared."""


class RebuildOptions(Struct, frozen=True):
    """How to rebuild: `verify_only` never switches, `expect_changes` switches even if rows differ.

    `process_count` processes fold; None is one for each core, or none for a small log.
    """

    process_count: int | None = None
    expect_changes: bool = False
    verify_only: bool = False


class RebuildInProgress(OperatorError):
    """Another process is rebuilding or verifying the projection."""


class ProjectionRebuild:
    """One rebuild of one projection; calls `report_progress` at each step."""

    def __init__(
        self,
        url: str,
        projection: Projection[Any],
        options: RebuildOptions,
        report_progress: Callable[[RebuildProgress], None],
    ) -> None:
        self._url = url
        self._projection = projection
        self._options = options
        self._report_progress = report_progress
        self._outcome = RebuildOutcome(verify_only=options.verify_only)
        self._differences: list[RowDifference] = []

    def run(self) -> RebuildOutcome:
        """Rebuild, and switch if allowed; a failure changes no live row. Raises RebuildInProgress, OperatorError."""
        with (
            closing(connect_for_folding(self._url, APPLICATION_NAME)) as connection,
            rebuild_lock(connection, self._projection),
        ):
            builds.drop_unused_builds(connection, self._projection)
            self._require_comparable(connection)
            build = self._begin_build(connection)
            try:
                process_count = self._process_count(connection)
                throttle = Throttle(partial(log.count_last_second, connection), process_count or 1)
                with open_fold_pool(self._url, process_count, throttle) as fold_pool:
                    self._fill_table(connection, build, fold_pool)
                self._verify_and_switch(connection, build)
            except BaseException:
                with suppress(psycopg.Error):  # report the first error, not this one
                    builds.drop_build(connection, build)
                raise
            self._find_causes(connection)
            if not self._outcome.switched:
                builds.drop_build(connection, build)
            builds.drop_unused_builds(connection, self._projection)
        return self._outcome

    def _require_comparable(self, connection: SyncConnection) -> None:
        """Fail early if the live build lags too far behind to be compared."""
        live = builds.serving_build(connection, self._projection)
        lag = log.head(connection) - builds.position_range(connection, live)[0] if live else 0
        if lag > MAX_COMPARE_LAG_EVENTS and not self._options.expect_changes:
            raise OperatorError(
                f"{self._projection.name} is {lag} events behind, too many to compare: let a worker catch up, "
                "or rebuild with --expect-changes."
            )

    def _process_count(self, connection: SyncConnection) -> int:
        if self._options.process_count is not None:
            return self._options.process_count
        return (os.cpu_count() or 1) if log.head(connection) > EVENTS_PER_PART else 0

    def _begin_build(self, connection: SyncConnection) -> Build:
        with connection.transaction():
            live = builds.serving_build(connection, self._projection)
            build = builds.create_build(connection, self._projection, live.partitions if live else 1)
            connection.execute(table.create_table_sql(build))
        return build

    def _fill_table(self, connection: SyncConnection, build: Build, fold_pool: FoldPool) -> None:
        """Fold the log as it is now into the table, and create its indexes."""
        live = builds.serving_build(connection, self._projection)
        is_for_comparing = self._options.verify_only and live is not None
        head = builds.position_range(connection, live)[0] if live and is_for_comparing else log.head(connection)
        try:
            self._fold_log(connection, build, fold_pool, head)
            self._create_indexes(connection, build, fold_pool)
        except writing.REJECTION_ERRORS:  # an index rejects a document: fold with all indexes in place to find it
            self._recreate_table(connection, build)
            self._create_indexes(connection, build, fold_pool)
            self._fold_log(connection, build, fold_pool, head)
        builds.set_checkpoints(connection, build, head)

    def _fold_log(self, connection: SyncConnection, build: Build, fold_pool: FoldPool, head: int) -> None:
        with self._timed_phase("folding"):
            total = slices.count_events(connection, head)
            parts = split_log(connection, build, total, head, refold.load_skips(connection, self._projection))
            folded_parts = 0
            for result in fold_pool.fold_parts(parts):
                folded_parts += result.remaining is None
                self._outcome.documents += result.documents
                self._report_progress(RebuildProgress("folding", total * folded_parts // len(parts), total))
            self._outcome.events = total

    def _create_indexes(self, connection: SyncConnection, build: Build, fold_pool: FoldPool) -> None:
        with self._timed_phase("indexing"):
            statements = [each.as_string(connection) for each in table.create_index_sql(build)]
            for done, _ in enumerate(fold_pool.execute_all(statements), 1):
                self._report_progress(RebuildProgress("indexing", done, len(statements)))
            for name in build.table_names:
                connection.execute(SQL("analyze {}").format(name))

    def _recreate_table(self, connection: SyncConnection, build: Build) -> None:
        self._outcome.events = self._outcome.documents = 0
        with connection.transaction():
            connection.execute(SQL("drop table {}").format(SQL(", ").join(build.table_names)))
            connection.execute(table.create_table_sql(build))
            parked.clear_parked(connection, build)

    def _verify_and_switch(self, connection: SyncConnection, build: Build) -> None:
        serving = builds.serving_build(connection, self._projection)
        live = serving or builds.build_of_other_code(connection, self._projection)
        min_position = builds.position_range(connection, build)[0]
        with self._timed_phase("catching up"):
            self._catch_up(connection, build, serving)
        if live is not None and builds.table_exists(connection, live):
            with self._timed_phase("verifying"):
                min_position = self._verify(connection, build, live)
            self._catch_up(connection, build, serving)
        with self._timed_phase("switching"), connection.transaction():
            self._catch_up_frozen(connection, build, serving, min_position)
            if not self._options.verify_only and (self._options.expect_changes or not self._outcome.differences):
                builds.serve_build(connection, build)
                if self._outcome.events > EVENTS_PER_PART:  # or starting took longer than folding
                    builds.record_rate(connection, build, self._outcome.events_per_s())
                self._outcome.switched = True

    def _catch_up(self, connection: SyncConnection, build: Build, live: Build | None) -> None:
        """Catch up both builds, so that the switch locks the live one briefly; verifying leaves the live one alone."""
        if self._options.verify_only and live is not None:
            return
        while log.head(connection) > builds.position_range(connection, build)[0] + MAX_SWITCH_LAG_EVENTS:
            self._fold_up_to(connection, build, log.head(connection))
        is_near = (
            live is not None
            and log.head(connection) <= builds.position_range(connection, live)[0] + MAX_COMPARE_LAG_EVENTS
        )
        if live is not None and is_near and builds.table_exists(connection, live):
            advance.catch_up(connection, live, log.load_after, log.head(connection))

    def _fold_up_to(self, connection: SyncConnection, build: Build, position: int) -> None:
        advance.catch_up(connection, build, log.load_after, position, refold.load_skips(connection, self._projection))

    def _verify(self, connection: SyncConnection, build: Build, live: Build) -> int:
        """Compare all rows in one snapshot, except those that lagging events touch; returns the lower position."""
        with connection.transaction():
            connection.execute("set transaction isolation level repeatable read")
            low, high = builds.position_range(connection, build, live)
            self._outcome.lag = high - low
            if high - low <= MAX_COMPARE_LAG_EVENTS:
                excluded_keys = self._touched_keys(connection, low, high) | self._parked_keys(connection, build, live)
                self._record_comparison(comparison.compare_builds(connection, build, live, excluded_keys=excluded_keys))
        return low

    def _catch_up_frozen(self, connection: SyncConnection, build: Build, live: Build | None, low: int) -> None:
        """Fold the rest while the live build is locked, so that no reader goes back in time."""
        if live is None:
            self._fold_up_to(connection, build, log.head(connection))
        else:
            live = builds.lock_checkpoints(connection, live)
            high = builds.position_range(connection, build, live)[1]
            self._fold_up_to(connection, build, high)
            if self._outcome.compared:
                advance.catch_up(connection, live, log.load_after, high)
                touched_keys = self._touched_keys(connection, low, high) - self._parked_keys(connection, build, live)
                self._record_comparison(comparison.compare_builds(connection, build, live, only_keys=touched_keys))
        self._outcome.parked = len(parked.parked_keys(connection, build))

    def _touched_keys(self, connection: SyncConnection, low: int, high: int) -> set[DocumentKey]:
        return {key for one in slices.iter_by_position(connection, low, high) for key in self._projection.keys(one)}

    def _parked_keys(self, connection: SyncConnection, *some: Build) -> set[DocumentKey]:
        """Documents that are parked in any of these builds: their rows are incomplete."""
        return {parse_key(document) for build in some for document in parked.parked_keys(connection, build)}

    def _record_comparison(self, compared: Comparison | None) -> None:
        if compared is None:
            return
        self._outcome.compared = True
        self._outcome.differences += compared.count
        self._differences += compared.first[: comparison.MAX_SHOWN_DIFFERENCES - len(self._differences)]

    def _find_causes(self, connection: SyncConnection) -> None:
        """Find the events behind the first differences. Slow (it may read a whole workspace), so after the switch."""
        self._outcome.first = [refold.find_cause(connection, self._projection, one) for one in self._differences]

    @contextmanager
    def _timed_phase(self, name: str) -> Iterator[None]:
        began = monotonic()
        self._report_progress(RebuildProgress(name))
        yield
        self._outcome.seconds[name] = monotonic() - began


@contextmanager
def rebuild_lock(connection: SyncConnection, projection: Projection[Any]) -> Iterator[None]:
    """Hold the build lock of the projection; raises RebuildInProgress if another process has it."""
    if not build_lock.try_lock(connection, projection):
        raise RebuildInProgress(f"{projection.name} is being rebuilt or verified already: wait for that to end.")
    try:
        yield
    finally:
        with suppress(psycopg.Error):  # a lost connection holds no lock
            build_lock.unlock(connection, projection)
