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

from infra.database.pool import folding
from infra.errors import OperatorError
from infra.log import slices
from infra.processes import gc_tuning
from infra.rebuilding import refold
from infra.rebuilding.throttle import Haste
from projections.engine import parked, table, writing
from projections.engine.builds import Build, SyncConnection
from projections.engine.folding import Skips
from projections.engine.full_fold import BUCKET_COUNT, FullFold
from projections.engine.parked import ParkedDocument
from projections.projection import all_projections, key_by_position, key_by_stream

T = TypeVar("T")
R = TypeVar("R")

NAME = "taskledger rebuild"
NICE = 10
_SESSION = Path("/proc/self/autogroup")
AT_ONCE = 25_000
"""About so many events are a part."""
_INDEXING = "set maintenance_work_mem = '128MB'; set max_parallel_maintenance_workers = 0"
"""There are others of the crew for other indexes."""
_UNLESS_KILLED = "set client_connection_check_interval = '500ms'"
"""What is being done for a process that is no more ends, and its locks with it."""
_MINE = threading.local()
"""The connections of one of a crew."""


class Part(Struct, frozen=True):
    """What one process does at once: the events after `low`, up to and with `high`, or a range of buckets."""

    build: int
    projection: str
    low: Any
    high: Any
    head: int
    skips: Skips


class Filled(Struct, frozen=True):
    """What came of a part: the events read, the documents written, and a part that there was no room for."""

    events: int
    documents: int
    rest: Part | None = None


def cut(connection: SyncConnection, build: Build, events: int, head: int, skips: Skips) -> list[Part]:
    """The parts of a log of so many events up to `head`, as this projection can be folded."""
    count = -(-events // AT_ONCE) or 1
    edges: Sequence[tuple[Any, Any]]
    if build.projection.keys is key_by_stream:
        edges = slices.by_stream(connection, events, count)
    elif build.projection.keys is key_by_position:
        edges = slices.by_position(head, count)
    else:
        edges = [(0, BUCKET_COUNT)]
    return [Part(build.number, build.projection.name, low, high, head, skips) for low, high in edges]


class Crew:
    """Those who fold: processes, or a thread; as many at once as haste allows."""

    def __init__(self, pool: Executor, haste: Haste) -> None:
        self._pool = pool
        self._haste = haste

    def fill(self, parts: Sequence[Part]) -> Iterator[Filled]:
        """Fold all parts into the table, in any order; what is left of one is folded too."""
        waiting = deque(parts)
        for _, filled in self._done(_fill, waiting):
            waiting.extend([filled.rest] if filled.rest else [])
            yield filled

    def execute(self, statements: Sequence[str]) -> Iterator[str]:
        """Carry out statements side by side, and tell each that is done."""
        for statement, _ in self._done(_execute, deque(statements)):
            yield statement

    def _done(self, work: Callable[[T], R], waiting: deque[T]) -> Iterator[tuple[T, R]]:
        """Whatever waits, done, with what came of it; more may come to wait meanwhile."""
        running: dict[Future[R], T] = {}
        while waiting or running:
            while waiting and len(running) < self._haste.at_once():
                one = waiting.popleft()
                running[self._pool.submit(work, one)] = one
            for done in wait(running, return_when=FIRST_COMPLETED).done:
                yield running.pop(done), done.result()


@contextlib.contextmanager
def crew(url: str, processes: int, haste: Haste) -> Iterator[Crew]:
    """So many processes, which end with the block; none is a thread of this one, which a small log is quicker for.

    Where the block fails they end in the middle of their work. Raises OperatorError where one of them was killed.
    """
    with contextlib.ExitStack() as ending:
        if processes:
            pool = ProcessPoolExecutor(processes, get_context("spawn"), _open, (url,))
            ending.callback(pool.shutdown, wait=True, cancel_futures=True)
            with _killed(pool):
                yield Crew(pool, haste)
        else:
            reader, writer = (ending.enter_context(folding(url, NAME)) for _ in range(2))
            yield Crew(ending.enter_context(ThreadPoolExecutor(1, NAME, _have, (reader, writer))), haste)


@contextlib.contextmanager
def _killed(pool: ProcessPoolExecutor) -> Iterator[None]:
    """Whatever fails in the block ends the processes at once."""
    try:
        yield
    except BaseException as error:
        for process in [*(pool._processes or {}).values()]:  # noqa: SLF001 - public from Python 3.14 on: kill_workers
            process.kill()
        if isinstance(error, BrokenProcessPool):
            raise OperatorError("A process that folded the log was killed; what is live was not touched.") from error
        raise


def _open(url: str) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for whoever started us, who tells us
    if parent := parent_process():
        threading.Thread(target=_die_after, args=(parent,), daemon=True).start()
    _step_back()
    gc_tuning.rarely()
    _have(folding(url, NAME), folding(url, NAME))
    _MINE.writer.execute(_INDEXING)
    for connection in (_MINE.reader, _MINE.writer):
        with contextlib.suppress(psycopg.Error):  # where the server's platform cannot tell
            connection.execute(_UNLESS_KILLED)


def _have(reader: SyncConnection, writer: SyncConnection) -> None:
    _MINE.reader, _MINE.writer = reader, writer


def _step_back() -> None:
    """Let whoever serves go first. Linux may share out time session by session, and then be nice among these only."""
    os.nice(NICE)
    with contextlib.suppress(OSError):
        os.setsid()
        _SESSION.write_text(str(NICE))


def _die_after(parent: BaseProcess) -> None:
    parent.join()
    os._exit(1)


def fill(reader: SyncConnection, writer: SyncConnection, part: Part) -> Filled:
    """Fold a part into the table, in one transaction; what the table refuses is parked."""
    with contextlib.suppress(*writing.REJECTION_ERRORS):
        return _folded(reader, writer, part, _copied)
    return _folded(reader, writer, part, _one_by_one)


Save: TypeAlias = Callable[
    [SyncConnection, SyncConnection, Build, Part, Iterable[Any]], tuple[int, list[ParkedDocument]]
]
"""Writes documents that were not there; answers how many, and those that the table refuses."""


def _folded(reader: SyncConnection, writer: SyncConnection, part: Part, save: Save) -> Filled:
    build = Build(part.build, all_projections()[part.projection], 1)
    afresh, rest = FullFold(build.projection, part.skips), None
    rows: Iterable[Any]
    if build.projection.keys is key_by_stream:
        rows = afresh.fold_streams(slices.streams(reader, part.low, part.high, part.head))
    elif build.projection.keys is key_by_position:
        rows = afresh.fold_positions(slices.positions(reader, part.low, part.high))
    else:
        rows, left = afresh.fold_buckets(slices.positions(reader, 0, part.head), (part.low, part.high))
        rest = replace(part, low=left[0], high=left[1]) if left else None
    with writer.transaction():
        written, refused = save(reader, writer, build, part, rows)
        parked.park(writer, build, [*afresh.parked, *refused])
    return Filled(afresh.event_count, written, rest)


def _copied(
    _: SyncConnection, writer: SyncConnection, build: Build, __: Part, rows: Iterable[Any]
) -> tuple[int, list[ParkedDocument]]:
    return table.copy_documents(writer, build, rows), []


def _one_by_one(
    reader: SyncConnection, writer: SyncConnection, build: Build, part: Part, rows: Iterable[Any]
) -> tuple[int, list[ParkedDocument]]:
    written, refused = 0, []
    for row in list(rows):  # all of them, so that the reader can be asked for more
        if writing.try_write(writer, build, row.id, row):
            workspace = getattr(row, "workspace_id", None)
            events = refold.history(reader, build.projection, row.id, workspace)
            until = [one for one in events if one.position <= part.head]
            document, still = writing.write_event_by_event(writer, build, row.id, None, until, part.skips)
            written += document is not None
            refused += [still] if still else []
        else:
            written += 1
    return written, refused


def _fill(part: Part) -> Filled:
    return fill(_MINE.reader, _MINE.writer, part)


def _execute(statement: str) -> None:
    _MINE.writer.execute(statement.encode())
