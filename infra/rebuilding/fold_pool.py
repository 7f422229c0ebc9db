"""A pool of processes that fold parts of the log in parallel, each with a connection to read and one to write."""

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
from typing import Any, Literal, TypeAlias, TypeVar

import psycopg
from msgspec import Struct
from msgspec.structs import replace

from infra.database.connections import connect_for_folding
from infra.errors import OperatorError
from infra.log import slices
from infra.processes import gc_tuning
from infra.processes.pids import ON_LINUX
from infra.rebuilding import refold
from infra.rebuilding.throttle import Throttle
from projections.engine import parked, table, writing
from projections.engine.builds import Build
from projections.engine.connection import SyncConnection
from projections.engine.folding import DocumentChange, Skips
from projections.engine.full_fold import BUCKET_COUNT, BucketRange, FullFold, skipped_names
from projections.engine.parked import ParkedDocument
from projections.projection import Projection, key_by_position

T = TypeVar("T")
R = TypeVar("R")

APPLICATION_NAME = "taskledger rebuild"
NICENESS = 10
_AUTOGROUP_FILE = Path("/proc/self/autogroup")
EVENTS_PER_PART = 25_000
"""The approximate size of a part."""
MAX_WORKSPACE_PARTS = 2 * (os.cpu_count() or 1)
"""The events of a workspace lie all over the log, so each of these parts reads most of its pages."""
_SORT_SETTINGS_SQL = "set work_mem = '64MB'"
_INDEX_SETTINGS_SQL = "set maintenance_work_mem = '128MB'; set max_parallel_maintenance_workers = 0"
"""No parallel workers of the server: the pool creates several indexes at once."""
_CANCEL_IF_CLIENT_DIES_SQL = "set client_connection_check_interval = '500ms'"
"""The server cancels the statements of a process that died, and releases their locks."""
_CONNECTIONS = threading.local()
"""The connections of one process of the pool."""


class LogPart(Struct, frozen=True):
    """The work of one process in one transaction: the streams, positions or workspaces after `low` up to `high`.

    Only the documents in `buckets` are folded, if not all of a part of workspaces fit into memory.
    """

    build: int
    projection: Projection[Any]
    low: Any
    high: Any
    head: int
    skips: Skips
    buckets: BucketRange = (0, BUCKET_COUNT)


class PartResult(Struct, frozen=True):
    """The result of a part: the events read, the documents written, and the rest that did not fit into memory."""

    events: int
    documents: int
    remaining: LogPart | None = None


def split_log(connection: SyncConnection, build: Build, event_count: int, head: int, skips: Skips) -> list[LogPart]:
    """Split the log up to `head` into parts that this projection can be folded in."""
    part_count = -(-event_count // EVENTS_PER_PART) or 1
    edges: Sequence[tuple[Any, Any]]
    if build.projection.is_by_stream:
        edges = slices.split_by_stream(connection, event_count, part_count)
    elif build.projection.keys is key_by_position:
        edges = slices.split_by_position(head, part_count)
    else:
        edges = slices.split_by_workspace(connection, event_count, min(part_count, MAX_WORKSPACE_PARTS))
    return [LogPart(build.number, build.projection, low, high, head, skips) for low, high in edges]


class FoldPool:
    """Runs folds in processes or in one thread, as many at a time as the throttle allows."""

    def __init__(self, executor: Executor, throttle: Throttle) -> None:
        self._executor = executor
        self._throttle = throttle

    def fold_parts(self, parts: Sequence[LogPart]) -> Iterator[PartResult]:
        """Fold all parts into the table, in any order, and the rests that they leave."""
        waiting = deque(parts)
        for _, filled in self._run_all(_fold_part_in_worker, waiting):
            waiting.extend([filled.remaining] if filled.remaining else [])
            yield filled

    def execute_all(self, statements: Sequence[str]) -> Iterator[str]:
        """Execute statements in parallel; yields each one when it is done."""
        for statement, _ in self._run_all(_execute_in_worker, deque(statements)):
            yield statement

    def _run_all(self, function: Callable[[T], R], queue: deque[T]) -> Iterator[tuple[T, R]]:
        """Run the queue, which may grow meanwhile; yields each argument with its result."""
        running: dict[Future[R], T] = {}
        while queue or running:
            while queue and len(running) < self._throttle.concurrency():
                argument = queue.popleft()
                running[self._executor.submit(function, argument)] = argument
            for done in wait(running, return_when=FIRST_COMPLETED).done:
                yield running.pop(done), done.result()


@contextlib.contextmanager
def open_fold_pool(url: str, process_count: int, throttle: Throttle) -> Iterator[FoldPool]:
    """A pool of processes that end with the block; 0 is one thread of this process, faster for a small log.

    If the block fails, they are killed. Raises OperatorError if one of them was killed from outside.
    """
    with contextlib.ExitStack() as stack:
        if process_count:
            executor = ProcessPoolExecutor(process_count, get_context(_start_method()), _initialize_worker, (url,))
            stack.callback(executor.shutdown, wait=True, cancel_futures=True)
            with _kill_on_error(executor):
                yield FoldPool(executor, throttle)
        else:
            reader, writer = (stack.enter_context(connect_for_folding(url, APPLICATION_NAME)) for _ in range(2))
            yield FoldPool(
                stack.enter_context(ThreadPoolExecutor(1, APPLICATION_NAME, _set_connections, (reader, writer))),
                throttle,
            )


def _start_method() -> Literal["fork", "spawn"]:
    """Forked processes start at once, with all modules and nothing to import; only a process without threads forks.

    The pool forks all of them before it starts a thread of its own. Each inherits our connections and uses none.
    """
    return "fork" if ON_LINUX and threading.active_count() == 1 else "spawn"


@contextlib.contextmanager
def _kill_on_error(executor: ProcessPoolExecutor) -> Iterator[None]:
    """Kill the processes if the block fails."""
    try:
        yield
    except BaseException as error:
        for process in [*(executor._processes or {}).values()]:  # noqa: SLF001 - public from Python 3.14 on: kill_workers
            process.kill()
        if isinstance(error, BrokenProcessPool):
            raise OperatorError("A process that folded the log was killed. The live rows are unchanged.") from error
        raise


def _initialize_worker(url: str) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which stops us
    if parent := parent_process():
        threading.Thread(target=_exit_with_parent, args=(parent,), daemon=True).start()
    _lower_priority()
    gc_tuning.freeze_and_relax()
    _set_connections(connect_for_folding(url, APPLICATION_NAME), connect_for_folding(url, APPLICATION_NAME))
    _CONNECTIONS.reader.execute(_SORT_SETTINGS_SQL)
    _CONNECTIONS.writer.execute(_INDEX_SETTINGS_SQL)
    for connection in (_CONNECTIONS.reader, _CONNECTIONS.writer):
        with contextlib.suppress(psycopg.Error):  # not supported on every platform of the server
            connection.execute(_CANCEL_IF_CLIENT_DIES_SQL)


def _set_connections(reader: SyncConnection, writer: SyncConnection) -> None:
    _CONNECTIONS.reader, _CONNECTIONS.writer = reader, writer


def _lower_priority() -> None:
    """Give serving processes priority. With autogroups, Linux applies niceness within a session only."""
    os.nice(NICENESS)
    with contextlib.suppress(OSError):
        os.setsid()
        _AUTOGROUP_FILE.write_text(str(NICENESS))


def _exit_with_parent(parent: BaseProcess) -> None:
    parent.join()
    os._exit(1)


def fold_part(reader: SyncConnection, writer: SyncConnection, part: LogPart) -> PartResult:
    """Fold a part into the table in one transaction; documents that the table rejects are parked."""
    with contextlib.suppress(*writing.REJECTION_ERRORS):
        return _fold_and_write(reader, writer, part, _write_by_copy)
    return _fold_and_write(reader, writer, part, _write_row_by_row)


WriteNewDocuments: TypeAlias = Callable[
    [SyncConnection, SyncConnection, Build, LogPart, Iterable[DocumentChange]], tuple[int, list[ParkedDocument]]
]
"""Writes new documents; returns how many, and those that the table rejects."""


def _fold_and_write(
    reader: SyncConnection, writer: SyncConnection, part: LogPart, write_documents: WriteNewDocuments
) -> PartResult:
    build = Build(part.build, part.projection, 1)
    full_fold, remaining, skipped = FullFold(build.projection, part.skips), None, skipped_names(build.projection)
    changes: Iterable[DocumentChange]
    if build.projection.is_by_stream:
        iterate = slices.iter_touched_streams if build.projection.follows_touches else slices.iter_streams
        changes = full_fold.fold_streams(iterate(reader, part.low, part.high, part.head, skipped))
    elif build.projection.keys is key_by_position:
        changes = full_fold.fold_positions(slices.iter_by_position(reader, part.low, part.high, skipped))
    else:
        history = slices.iter_by_workspace(reader, part.low, part.high, part.head, skipped)
        changes, remaining_buckets = full_fold.fold_buckets(history, part.buckets)
        remaining = replace(part, buckets=remaining_buckets) if remaining_buckets else None
    with writer.transaction():
        written, refused = write_documents(reader, writer, build, part, changes)
        parked.park(writer, build, [*full_fold.parked, *refused])
    return PartResult(full_fold.event_count, written, remaining)


def _write_by_copy(
    _: SyncConnection, writer: SyncConnection, build: Build, __: LogPart, changes: Iterable[DocumentChange]
) -> tuple[int, list[ParkedDocument]]:
    return table.copy_documents(writer, build, changes), []


def _write_row_by_row(
    reader: SyncConnection, writer: SyncConnection, build: Build, part: LogPart, changes: Iterable[DocumentChange]
) -> tuple[int, list[ParkedDocument]]:
    written, refused = 0, []
    for change in list(changes):  # read to the end, so that the reader is free for other queries
        if writing.try_write(writer, build, change):
            workspace = getattr(change.after, "workspace_id", None)
            events = refold.load_history(reader, build.projection, change.key, workspace)
            past_events = [one for one in events if one.position <= part.head]
            document, still_parked = writing.write_event_by_event(
                writer, build, change.key, None, past_events, part.skips
            )
            written += document is not None
            refused += [still_parked] if still_parked else []
        else:
            written += change.after is not None
    return written, refused


def _fold_part_in_worker(part: LogPart) -> PartResult:
    return fold_part(_CONNECTIONS.reader, _CONNECTIONS.writer, part)


def _execute_in_worker(statement: str) -> None:
    _CONNECTIONS.writer.execute(statement.encode())
