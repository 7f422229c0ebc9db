"""Usage: the CPU time that each kind of process uses during a block, and its memory at the end."""

import contextlib
from collections import defaultdict
from collections.abc import Iterator, Mapping

import psutil
from msgspec import Struct

_CLI_MODULE, _SERVERS = "cli.main", ("postgres", "valkey-server")


class ResourceUsage(Struct, frozen=True):
    """Seconds of CPU time, and resident bytes; shared pages are counted once per process."""

    cpu_s: float
    rss_bytes: int


@contextlib.contextmanager
def track_usage(root_pids: Mapping[str, int]) -> Iterator[dict[str, ResourceUsage]]:
    """The usage of the root processes and their descendants by kind, filled when the block ends."""
    found: dict[str, ResourceUsage] = {}
    before = usage_by_kind(root_pids)
    yield found
    for kind, now in usage_by_kind(root_pids).items():
        found[kind] = ResourceUsage(now.cpu_s - before.get(kind, ResourceUsage(0.0, 0)).cpu_s, now.rss_bytes)


def usage_by_kind(root_pids: Mapping[str, int]) -> dict[str, ResourceUsage]:
    """The usage of all processes of each kind since they started; an ended process is counted in its parent."""
    seconds, resident = defaultdict[str, float](float), defaultdict[str, int](int)
    for name, pid in root_pids.items():
        for process in _process_tree(pid):
            with contextlib.suppress(psutil.Error), process.oneshot():
                kind, times = _kind(process, name), process.cpu_times()
                seconds[kind] += sum(times[:4])  # user and system, its own and its ended children's
                resident[kind] += process.memory_info().rss
    return {kind: ResourceUsage(seconds[kind], resident[kind]) for kind in seconds}


def _process_tree(pid: int) -> list[psutil.Process]:
    try:
        root = psutil.Process(pid)
        return [root, *root.children(recursive=True)]
    except psutil.Error:
        return []


def _kind(process: psutil.Process, root: str) -> str:
    """The command of a Taskledger process, the program of a server (for Valkey, with its folder), else the root."""
    if process.name() in _SERVERS:
        return process.name() if process.name() == _SERVERS[0] else f"valkey {process.cwd().rpartition('/')[2]}"
    words = process.cmdline()
    return words[words.index(_CLI_MODULE) + 1] if _CLI_MODULE in words[:-1] else root
