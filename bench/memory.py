"""Memory: the most that a process and all its descendants hold at once."""

import contextlib
import os
import threading
from collections.abc import Iterator
from pathlib import Path

LOOK_S = 0.1
_PAGE = os.sysconf("SC_PAGE_SIZE")


class Peak:
    """The largest sum of resident memory, in bytes, that any look found; what they share is counted each time."""

    def __init__(self, pid: int) -> None:
        self.bytes = 0
        self._pid = pid
        self._end = threading.Event()

    def look_until_ended(self) -> None:
        while not self._end.wait(LOOK_S):
            self.bytes = max(self.bytes, held(self._pid))

    def end(self) -> None:
        self._end.set()


@contextlib.contextmanager
def watched(pid: int) -> Iterator[Peak]:
    """Look every tenth of a second, from a thread, for as long as the block takes."""
    peak = Peak(pid)
    thread = threading.Thread(target=peak.look_until_ended)
    thread.start()
    try:
        yield peak
    finally:
        peak.end()
        thread.join()


def held(pid: int) -> int:
    """What a process and its descendants hold now, in bytes; 0 for who is gone, and where there is no /proc."""
    try:
        own = int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE
        return own + sum(map(held, _children(pid)))
    except OSError:
        return 0


def _children(pid: int) -> list[int]:
    files = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for file in files for child in file.read_text().split()]
