"""Usage: the processor time that each kind of process takes meanwhile, and the memory that it holds in the end."""

import contextlib
import os
from collections import defaultdict
from collections.abc import Iterator, Mapping

import psutil
from msgspec import Struct

LOAD = "load generator"
_ENTRY, _SERVERS = "cli.main", ("postgres", "valkey-server")


class Use(Struct, frozen=True):
    """Seconds of processor time, and resident bytes; pages that several processes share count for each of them."""

    cpu_s: float
    rss: int


@contextlib.contextmanager
def watched(roots: Mapping[str, int]) -> Iterator[dict[str, Use]]:
    """The roots and all below them, by kind: filled when the block ends; the load generators are whom we ended."""
    found: dict[str, Use] = {}
    before, ended = used(roots), _ended()
    yield found
    for kind, now in used(roots).items():
        found[kind] = Use(now.cpu_s - before.get(kind, Use(0.0, 0)).cpu_s, now.rss)
    found[LOAD] = Use(_ended() - ended, 0)


def used(roots: Mapping[str, int]) -> dict[str, Use]:
    """What all of a kind have taken since they began, and hold; whoever has gone is in the account of its parent."""
    seconds, resident = defaultdict[str, float](float), defaultdict[str, int](int)
    for name, pid in roots.items():
        for process in _family(pid):
            with contextlib.suppress(psutil.Error), process.oneshot():
                kind, times = _kind(process, name), process.cpu_times()
                seconds[kind] += sum(times[:4])  # user and system, its own and its ended children's
                resident[kind] += process.memory_info().rss
    return {kind: Use(seconds[kind], resident[kind]) for kind in seconds}


def _family(pid: int) -> list[psutil.Process]:
    try:
        root = psutil.Process(pid)
        return [root, *root.children(recursive=True)]
    except psutil.Error:
        return []


def _kind(process: psutil.Process, root: str) -> str:
    """A command of ours by its name, a server by its program or, where there are two, its folder; else as its root."""
    if process.name() in _SERVERS:
        return process.name() if process.name() == _SERVERS[0] else f"valkey {process.cwd().rpartition('/')[2]}"
    words = process.cmdline()
    return words[words.index(_ENTRY) + 1] if _ENTRY in words[:-1] else root


def _ended() -> float:
    times = os.times()
    return times.children_user + times.children_system
