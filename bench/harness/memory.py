"""Memory: the peak of a process and all its descendants together."""

import contextlib
import threading
from collections.abc import Iterator

from bench.harness.resource_usage import usage_by_kind

SAMPLE_INTERVAL_S = 0.1


class PeakMemory:
    """The largest sampled sum of resident memory, in bytes; shared pages are counted once per process."""

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
    """Sample every tenth of a second, in a thread, while the block runs."""
    peak = PeakMemory(pid)
    thread = threading.Thread(target=peak.sample_until_stopped)
    thread.start()
    try:
        yield peak
    finally:
        peak.stop()
        thread.join()


def resident_bytes(pid: int) -> int:
    """The resident memory of a process and its descendants, in bytes; 0 if the process has ended."""
    return sum(use.rss_bytes for use in usage_by_kind({"all": pid}).values())
