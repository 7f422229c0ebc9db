"""Memory: the most that a process and all its descendants hold at once."""

import contextlib
import threading
from collections.abc import Iterator

from bench.harness.resource_usage import used

LOOK_S = 0.1


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
    """What a process and its descendants hold now, in bytes; 0 for who is gone."""
    return sum(use.rss for use in used({"all": pid}).values())
