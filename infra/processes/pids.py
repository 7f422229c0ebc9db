"""Finds living processes by pid or working directory, without being fooled by zombies and reused pids."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec

ON_LINUX = sys.platform == "linux"


class ProcessInfo(msgspec.Struct, frozen=True):
    """A living process as the system reports it; `started` distinguishes it from others with the same pid."""

    pid: int
    name: str
    started: str


def current_process() -> ProcessInfo:
    """This process."""
    me = find_process(os.getpid())
    if me is None:
        raise ProcessLookupError("our own process is not visible: is /proc mounted?")
    return me


def find_process(pid: int) -> ProcessInfo | None:
    """The living process with that pid; None for a zombie, which still answers kill(pid, 0)."""
    return _process_from_proc(pid) if ON_LINUX else _process_from_ps(pid)


def pid_exists(pid: int) -> bool:
    """Whether kill(pid, 0) finds any process, including zombies and processes of other users."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def processes_in(folder: Path, name: str) -> list[int]:
    """Living processes called `name` whose working directory is `folder` (Linux only; empty elsewhere)."""
    return [pid for pid in _all_pids() if _is_in(pid, folder) and _has_name(pid, name)] if ON_LINUX else []


def is_elsewhere(pid: int, folder: Path) -> bool:
    """Whether its working directory is known to be another one; a container may hide it."""
    try:
        return ON_LINUX and not Path(f"/proc/{pid}/cwd").samefile(folder)
    except OSError:
        return False


def kill_stale(folder: Path, name: str) -> None:
    """Kill the processes called `name` whose working directory is `folder`."""
    for pid in processes_in(folder, name):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _all_pids() -> Iterator[int]:
    return (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdecimal())


def _is_in(pid: int, folder: Path) -> bool:
    try:
        return Path(f"/proc/{pid}/cwd").samefile(folder)
    except OSError:
        return False


def _has_name(pid: int, name: str) -> bool:
    process = find_process(pid)
    return process is not None and process.name == name


def _process_from_proc(pid: int) -> ProcessInfo | None:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except OSError:
        return None
    # The name is in parentheses and may itself contain spaces and parentheses.
    name, _, rest = stat.partition("(")[2].rpartition(")")
    fields = rest.split()
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return None if fields[0] in "ZX" else ProcessInfo(pid, name, f"{boot}/{fields[19]}")


def _process_from_ps(pid: int) -> ProcessInfo | None:
    argv = ["ps", "-o", "stat=,lstart=,comm=", "-p", str(pid)]
    words = subprocess.run(argv, capture_output=True, text=True, check=False).stdout.split(maxsplit=6)
    if len(words) < 7 or words[0].startswith("Z"):  # noqa: PLR2004 - stat, five words of a date, name
        return None
    return ProcessInfo(pid, Path(words[6].strip()).name, " ".join(words[1:6]))
