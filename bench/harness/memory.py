"""Memory: the most that a process and all its descendants hold at once."""

import contextlib
import threading
from collections.abc import Iterator

from bench.harness.resource_usage import usage_by_kind

SAMPLE_INTERVAL_S = 0.1


class PeakMemory:
    """The largest sum of resident memory, in bytes, that any look found; what they share is counted each time."""

    def __init__(self, pid: int) -> None:
        self.bytes = 0
        self._pid = pid
        self._stop_requested = threading.Event()

    def sample_until_stopped(self) -> None:
        while not self._stop_requested.wait(SAMPLE_INTERVAL_S):
            self.bytes = max(self.bytes, resident_bytes(self._pid))

    def stop(self) -> None:
        self._stop_requested.set()


@contextlib.contextmanager
def track_peak_memory(pid: int) -> Iterator[PeakMemory]:
    """Look every tenth of a second, from a thread, for as long as the block takes."""
    peak = PeakMemory(pid)
    thread = threading.Thread(target=peak.sample_until_stopped)
    thread.start()
    try:
        yield peak
    finally:
        peak.stop()
        thread.join()


def resident_bytes(pid: int) -> int:
    """What a process and its descendants hold now, in bytes; 0 for who is gone."""
    return sum(use.rss_bytes for use in usage_by_kind({"all": pid}).values())
