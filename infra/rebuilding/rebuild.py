"""Rebuilding: a projection folded afresh beside the live one, compared with it row by row, and put in its place.

Nothing that is live is touched before the switch, which is one transaction: whoever is killed leaves a table that
nobody asks, and the next one drops it.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from functools import partial
from time import monotonic
from typing import Any

import psycopg
from psycopg.sql import SQL

from infra import log
from infra.database.pool import folding
from infra.errors import OperatorError
from infra.log import slices
from infra.rebuilding import refold
from infra.rebuilding.outcome import Outcome, Step, Wish
from infra.rebuilding.throttle import Haste
from infra.rebuilding.worker_pool import AT_ONCE, NAME, Crew, crew, cut
from projections.engine import advance, builds, differences, parked, table, writing
from projections.engine.builds import Build, SyncConnection
from projections.engine.differences import Comparison, RowDifference
from projections.engine.full_fold import parse_key
from projections.projection import DocumentKey, Projection

NEAR = 1_000
"""A build that lags by fewer events can be switched to: what is left takes a moment."""
FAR = 100_000
"""A build that lags by more events is not compared."""


class Held(OperatorError):
    """Somebody else is at it."""


class Rebuilding:
    """One rebuild of one projection; `tell` hears each step."""

    def __init__(self, url: str, projection: Projection[Any], wish: Wish, tell: Callable[[Step], None]) -> None:
        self._url = url
        self._projection = projection
        self._wish = wish
        self._tell = tell
        self._outcome = Outcome(verify_only=wish.verify_only)
        self._differences: list[RowDifference] = []

    def run(self) -> Outcome:
        """Do it. Raises OperatorError where somebody is at it already; whatever ends it leaves the live one alone."""
        with closing(folding(self._url, NAME)) as connection, held(connection, self._projection):
            builds.drop_unused_builds(connection, self._projection)
            self._refuse_what_cannot_be_compared(connection)
            build = self._begun(connection)
            try:
                count = self._processes(connection)
                haste = Haste(partial(log.lately, connection), count or 1)
                with crew(self._url, count, haste) as processes:
                    self._fill(connection, build, processes)
                self._finish(connection, build)
            except BaseException:
                with suppress(psycopg.Error):  # the first error is the one to be told
                    builds.drop_build(connection, build)
                raise
            self._explain(connection)
            if not self._outcome.switched:
                builds.drop_build(connection, build)
            builds.drop_unused_builds(connection, self._projection)
        return self._outcome

    def _refuse_what_cannot_be_compared(self, connection: SyncConnection) -> None:
        """Before all the work: the live build must not be too far behind."""
        live = builds.serving_builds(connection).get(self._projection.name)
        lag = log.head(connection) - builds.position_range(connection, live)[0] if live else 0
        if lag > FAR and not self._wish.expect_changes:
            raise OperatorError(
                f"{self._projection.name} is {lag} events behind, too many to compare: let a worker catch up, "
                "or rebuild with --expect-changes."
            )

    def _processes(self, connection: SyncConnection) -> int:
        if self._wish.processes is not None:
            return self._wish.processes
        return (os.cpu_count() or 1) if slices.count(connection, log.head(connection)) > AT_ONCE else 0

    def _begun(self, connection: SyncConnection) -> Build:
        with connection.transaction():
            live = builds.serving_builds(connection).get(self._projection.name)
            build = builds.create_build(connection, self._projection, live.partitions if live else 1)
            connection.execute(table.create_table_sql(build))
        return build

    def _fill(self, connection: SyncConnection, build: Build, processes: Crew) -> None:
        """The table as it should be at the end of the log as it is now, with its indexes."""
        live = builds.serving_builds(connection).get(self._projection.name)
        is_for_comparing = self._wish.verify_only and live is not None
        head = builds.position_range(connection, live)[0] if live and is_for_comparing else log.head(connection)
        try:
            self._fold(connection, build, processes, head)
            self._index(connection, build, processes)
        except writing.REJECTION_ERRORS:  # a document is too much for an index: with all of them in place, it is found
            self._empty(connection, build)
            self._index(connection, build, processes)
            self._fold(connection, build, processes, head)
        builds.set_checkpoints(connection, build, head)

    def _fold(self, connection: SyncConnection, build: Build, processes: Crew, head: int) -> None:
        with self._phase("folding"):
            total = slices.count(connection, head)
            parts = cut(connection, build, total, head, refold.skips(connection, self._projection))
            for filled in processes.fill(parts):
                self._outcome.events += filled.events
                self._outcome.documents += filled.documents
                self._tell(Step("folding", min(self._outcome.events, total), total))
            self._outcome.events = total

    def _index(self, connection: SyncConnection, build: Build, processes: Crew) -> None:
        with self._phase("indexing"):
            statements = [each.as_string(connection) for each in table.create_index_sql(build)]
            for done, _ in enumerate(processes.execute(statements), 1):
                self._tell(Step("indexing", done, len(statements)))
            connection.execute(SQL("analyze {}").format(build.table_name))

    def _empty(self, connection: SyncConnection, build: Build) -> None:
        self._outcome.events = self._outcome.documents = 0
        with connection.transaction():
            connection.execute(SQL("drop table {}").format(build.table_name))
            connection.execute(table.create_table_sql(build))
            parked.clear_parked(connection, build)

    def _finish(self, connection: SyncConnection, build: Build) -> None:
        own = builds.serving_builds(connection).get(self._projection.name)
        live = own or builds.build_of_other_code(connection, self._projection)
        low = builds.position_range(connection, build)[0]
        with self._phase("catching up"):
            self._catch_up(connection, build, own)
        if live is not None and builds.table_exists(connection, live):
            with self._phase("verifying"):
                low = self._verify(connection, build, live)
            self._catch_up(connection, build, own)
        with self._phase("switching"), connection.transaction():
            self._settle(connection, build, own, low)
            if not self._wish.verify_only and (self._wish.expect_changes or not self._outcome.differences):
                builds.serve_build(connection, build)
                if self._outcome.events > AT_ONCE:  # or starting took longer than folding
                    builds.record_rate(connection, build, self._outcome.per_second())
                self._outcome.switched = True

    def _catch_up(self, connection: SyncConnection, build: Build, live: Build | None) -> None:
        """Both, so that the live one is held for a moment only; where it is verified, the live one is left alone."""
        if self._wish.verify_only and live is not None:
            return
        while log.head(connection) > builds.position_range(connection, build)[0] + NEAR:
            self._follow(connection, build, log.head(connection))
        is_near = live is not None and log.head(connection) <= builds.position_range(connection, live)[0] + FAR
        if live is not None and is_near and builds.table_exists(connection, live):
            advance.catch_up(connection, live, log.after, log.head(connection))

    def _follow(self, connection: SyncConnection, build: Build, until: int) -> None:
        advance.catch_up(connection, build, log.after, until, refold.skips(connection, self._projection))

    def _verify(self, connection: SyncConnection, build: Build, live: Build) -> int:
        """Compare all rows as one moment shows them, but those that events between the two positions touch."""
        with connection.transaction():
            connection.execute("set transaction isolation level repeatable read")
            low, high = builds.position_range(connection, build, live)
            self._outcome.lag = high - low
            if high - low <= FAR:
                but = self._touched(connection, low, high) | self._parked(connection, build, live)
                self._note(differences.compare_builds(connection, build, live, excluded_keys=but))
        return low

    def _settle(self, connection: SyncConnection, build: Build, live: Build | None, low: int) -> None:
        """Fold what is left while nobody folds into the live one, so that no reader goes back in time."""
        if live is None:
            self._follow(connection, build, log.head(connection))
        else:
            live = builds.lock_checkpoints(connection, live)
            high = builds.position_range(connection, build, live)[1]
            self._follow(connection, build, high)
            if self._outcome.compared:
                advance.catch_up(connection, live, log.after, high)
                only = self._touched(connection, low, high) - self._parked(connection, build, live)
                self._note(differences.compare_builds(connection, build, live, only_keys=only))
        self._outcome.parked = len(parked.parked_keys(connection, build))

    def _touched(self, connection: SyncConnection, low: int, high: int) -> set[DocumentKey]:
        return {key for one in slices.positions(connection, low, high) for key in self._projection.keys(one)}

    def _parked(self, connection: SyncConnection, *some: Build) -> set[DocumentKey]:
        """Documents that nobody says are right."""
        return {parse_key(document) for build in some for document in parked.parked_keys(connection, build)}

    def _note(self, compared: Comparison | None) -> None:
        if compared is None:
            return
        self._outcome.compared = True
        self._outcome.differences += compared.count
        self._differences += compared.first[: differences.MAX_SHOWN_DIFFERENCES - len(self._differences)]

    def _explain(self, connection: SyncConnection) -> None:
        """When nobody waits for it any more: it may take reading a whole workspace."""
        self._outcome.first = [refold.cause(connection, self._projection, one) for one in self._differences]

    @contextmanager
    def _phase(self, name: str) -> Iterator[None]:
        began = monotonic()
        self._tell(Step(name))
        yield
        self._outcome.seconds[name] = monotonic() - began


@contextmanager
def held(connection: SyncConnection, projection: Projection[Any]) -> Iterator[None]:
    """Nobody else builds it meanwhile; raises Held where somebody does."""
    if not builds.try_lock(connection, projection):
        raise Held(f"{projection.name} is being rebuilt or verified already: wait for that.")
    try:
        yield
    finally:
        with suppress(psycopg.Error):  # a connection that was lost holds nothing
            builds.unlock(connection, projection)
