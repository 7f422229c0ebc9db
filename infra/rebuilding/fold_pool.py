"""A crew: those who fold the parts of a log side by side, each with a connection to read and one to write."""

import contextlib
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context, parent_process
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

import psycopg
from msgspec import Struct
from msgspec.structs import replace

from infra.database.pool import connect_for_folding
from infra.errors import OperatorError
from infra.log import slices
from infra.processes import gc_tuning
from infra.rebuilding import refold
from infra.rebuilding.throttle import Throttle
from projections.engine import parked, table, writing
from projections.engine.builds import Build
from projections.engine.connection import SyncConnection
from projections.engine.folding import Skips
from projections.engine.full_fold import BUCKET_COUNT, FullFold
from projections.engine.parked import ParkedDocument
from projections.projection import all_projections, key_by_position, key_by_stream

T = TypeVar("T")
R = TypeVar("R")

APPLICATION_NAME = "taskledger rebuild"
NICENESS = 10
_AUTOGROUP_FILE = Path("/proc/self/autogroup")
EVENTS_PER_PART = 25_000
"""About so many events are a part."""
_INDEX_SETTINGS_SQL = "set maintenance_work_mem = '128MB'; set max_parallel_maintenance_workers = 0"
"""There are others of the crew for other indexes."""
_CANCEL_IF_CLIENT_DIES_SQL = "set client_connection_check_interval = '500ms'"
"""What is being done for a process that is no more ends, and its locks with it."""
_CONNECTIONS = threading.local()
"""The connections of one of a crew."""


class LogPart(Struct, frozen=True):
    """What one process does at once: the events after `low`, up to and with `high`, or a range of buckets."""

    build: int
    projection: str
    low: Any
    high: Any
    head: int
    skips: Skips


class PartResult(Struct, frozen=True):
    """What came of a part: the events read, the documents written, and a part that there was no room for."""

    events: int
    documents: int
    remaining: LogPart | None = None


def split_log(connection: SyncConnection, build: Build, event_count: int, head: int, skips: Skips) -> list[LogPart]:
    """The parts of a log of so many events up to `head`, as this projection can be folded."""
    part_count = -(-event_count // EVENTS_PER_PART) or 1
    edges: Sequence[tuple[Any, Any]]
    if build.projection.keys is key_by_stream:
        edges = slices.split_by_stream(connection, event_count, part_count)
    elif build.projection.keys is key_by_position:
        edges = slices.split_by_position(head, part_count)
    else:
        edges = [(0, BUCKET_COUNT)]
    return [LogPart(build.number, build.projection.name, low, high, head, skips) for low, high in edges]


class FoldPool:
    """Those who fold: processes, or a thread; as many at once as haste allows."""

    def __init__(self, executor: Executor, throttle: Throttle) -> None:
        self._executor = executor
        self._throttle = throttle

    def fold_parts(self, parts: Sequence[LogPart]) -> Iterator[PartResult]:
        """Fold all parts into the table, in any order; what is left of one is folded too."""
        waiting = deque(parts)
        for _, filled in self._run_all(_fold_part_in_worker, waiting):
            waiting.extend([filled.remaining] if filled.remaining else [])
            yield filled

    def execute_all(self, statements: Sequence[str]) -> Iterator[str]:
        """Carry out statements side by side, and tell each that is done."""
        for statement, _ in self._run_all(_execute_in_worker, deque(statements)):
            yield statement

    def _run_all(self, function: Callable[[T], R], queue: deque[T]) -> Iterator[tuple[T, R]]:
        """Whatever waits, done, with what came of it; more may come to wait meanwhile."""
        running: dict[Future[R], T] = {}
        while queue or running:
            while queue and len(running) < self._throttle.concurrency():
                argument = queue.popleft()
                running[self._executor.submit(function, argument)] = argument
            for done in wait(running, return_when=FIRST_COMPLETED).done:
                yield running.pop(done), done.result()


@contextlib.contextmanager
def open_fold_pool(url: str, process_count: int, throttle: Throttle) -> Iterator[FoldPool]:
    """So many processes, which end with the block; none is a thread of this one, which a small log is quicker for.

    Where the block fails they end in the middle of their work. Raises OperatorError where one of them was killed.
    """
    with contextlib.ExitStack() as stack:
        if process_count:
            executor = ProcessPoolExecutor(process_count, get_context("spawn"), _initialize_worker, (url,))
            stack.callback(executor.shutdown, wait=True, cancel_futures=True)
            with _kill_on_error(executor):
                yield FoldPool(executor, throttle)
        else:
            reader, writer = (stack.enter_context(connect_for_folding(url, APPLICATION_NAME)) for _ in range(2))
            yield FoldPool(
                stack.enter_context(ThreadPoolExecutor(1, APPLICATION_NAME, _set_connections, (reader, writer))),
                throttle,
            )


@contextlib.contextmanager
def _kill_on_error(executor: ProcessPoolExecutor) -> Iterator[None]:
    """Whatever fails in the block ends the processes at once."""
    try:
        yield
    except BaseException as error:
        for process in [*(executor._processes or {}).values()]:  # noqa: SLF001 - public from Python 3.14 on: kill_workers
            process.kill()
        if isinstance(error, BrokenProcessPool):
            raise OperatorError("A process that folded the log was killed; what is live was not touched.") from error
        raise


def _initialize_worker(url: str) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for whoever started us, who tells us
    if parent := parent_process():
        threading.Thread(target=_exit_with_parent, args=(parent,), daemon=True).start()
    _lower_priority()
    gc_tuning.freeze_and_relax()
    _set_connections(connect_for_folding(url, APPLICATION_NAME), connect_for_folding(url, APPLICATION_NAME))
    _CONNECTIONS.writer.execute(_INDEX_SETTINGS_SQL)
    for connection in (_CONNECTIONS.reader, _CONNECTIONS.writer):
        with contextlib.suppress(psycopg.Error):  # where the server's platform cannot tell
            connection.execute(_CANCEL_IF_CLIENT_DIES_SQL)


def _set_connections(reader: SyncConnection, writer: SyncConnection) -> None:
    _CONNECTIONS.reader, _CONNECTIONS.writer = reader, writer


def _lower_priority() -> None:
    """Let whoever serves go first. Linux may share out time session by session, and then be nice among these only."""
    os.nice(NICENESS)
    with contextlib.suppress(OSError):
        os.setsid()
        _AUTOGROUP_FILE.write_text(str(NICENESS))


def _exit_with_parent(parent: BaseProcess) -> None:
    parent.join()
    os._exit(1)


def fold_part(reader: SyncConnection, writer: SyncConnection, part: LogPart) -> PartResult:
    """Fold a part into the table, in one transaction; what the table refuses is parked."""
    with contextlib.suppress(*writing.REJECTION_ERRORS):
        return _fold_and_write(reader, writer, part, _write_by_copy)
    return _fold_and_write(reader, writer, part, _write_row_by_row)


WriteNewDocuments: TypeAlias = Callable[
    [SyncConnection, SyncConnection, Build, LogPart, Iterable[Any]], tuple[int, list[ParkedDocument]]
]
"""Writes documents that were not there; answers how many, and those that the table refuses."""


def _fold_and_write(
    reader: SyncConnection, writer: SyncConnection, part: LogPart, write_documents: WriteNewDocuments
) -> PartResult:
    build = Build(part.build, all_projections()[part.projection], 1)
    full_fold, remaining = FullFold(build.projection, part.skips), None
    rows: Iterable[Any]
    if build.projection.keys is key_by_stream:
        rows = full_fold.fold_streams(slices.iter_by_stream(reader, part.low, part.high, part.head))
    elif build.projection.keys is key_by_position:
        rows = full_fold.fold_positions(slices.iter_by_position(reader, part.low, part.high))
    else:
        rows, remaining_buckets = full_fold.fold_buckets(
            slices.iter_by_position(reader, 0, part.head), (part.low, part.high)
        )
        remaining = replace(part, low=remaining_buckets[0], high=remaining_buckets[1]) if remaining_buckets else None
    with writer.transaction():
        written, refused = write_documents(reader, writer, build, part, rows)
        parked.park(writer, build, [*full_fold.parked, *refused])
    return PartResult(full_fold.event_count, written, remaining)


def _write_by_copy(
    _: SyncConnection, writer: SyncConnection, build: Build, __: LogPart, rows: Iterable[Any]
) -> tuple[int, list[ParkedDocument]]:
    return table.copy_documents(writer, build, rows), []


def _write_row_by_row(
    reader: SyncConnection, writer: SyncConnection, build: Build, part: LogPart, rows: Iterable[Any]
) -> tuple[int, list[ParkedDocument]]:
    written, refused = 0, []
    for row in list(rows):  # all of them, so that the reader can be asked for more
        if writing.try_write(writer, build, row.id, row):
            workspace = getattr(row, "workspace_id", None)
            events = refold.load_history(reader, build.projection, row.id, workspace)
            past_events = [one for one in events if one.position <= part.head]
            document, still_parked = writing.write_event_by_event(writer, build, row.id, None, past_events, part.skips)
            written += document is not None
            refused += [still_parked] if still_parked else []
        else:
            written += 1
    return written, refused


def _fold_part_in_worker(part: LogPart) -> PartResult:
    return fold_part(_CONNECTIONS.reader, _CONNECTIONS.writer, part)


def _execute_in_worker(statement: str) -> None:
    _CONNECTIONS.writer.execute(statement.encode())
