"""Sampled usage: the peak memory and the processor time of a process that ends, with all its descendants."""

import contextlib
import threading
from collections.abc import Iterator

from bench.harness.resource_usage import ResourceUsage, usage_by_kind

SAMPLE_INTERVAL_S = 0.1


class SampledUsage:
    """The largest sampled sum of resident memory, in bytes, and the last of processor time, in seconds.

    Shared pages are counted once per process. What a process does after the last sample is not seen.
    """

    def __init__(self, pid: int) -> None:
        self.peak_bytes = 0
        self.cpu_s = 0.0
        self._pid = pid
        self._stop_requested = threading.Event()

    def sample_until_stopped(self) -> None:
        while not self._stop_requested.wait(SAMPLE_INTERVAL_S):
            used = total_usage(self._pid)
            self.peak_bytes = max(self.peak_bytes, used.rss_bytes)
            self.cpu_s = max(self.cpu_s, used.cpu_s)

    def stop(self) -> None:
        self._stop_requested.set()


@contextlib.contextmanager
def sample_usage(pid: int) -> Iterator[SampledUsage]:
    """Sample every tenth of a second, in a thread, while the block runs."""
    sampled = SampledUsage(pid)
    thread = threading.Thread(target=sampled.sample_until_stopped)
    thread.start()
    try:
        yield sampled
    finally:
        sampled.stop()
        thread.join()


def total_usage(pid: int) -> ResourceUsage:
    """The usage of a process and its descendants; nothing if the process has ended."""
    used = usage_by_kind({"all": pid}).values()
    return ResourceUsage(sum(one.cpu_s for one in used), sum(one.rss_bytes for one in used))
