"""Spawns and stops child processes that never outlive their parent."""

import contextlib
import ctypes
import os
import pwd
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import IO

from infra.processes.pids import ON_LINUX

PR_SET_PDEATHSIG = 1
# Loaded before any fork: the code between fork and exec must neither import nor allocate much.
LIBC = ctypes.CDLL(None) if ON_LINUX else None


class Child(subprocess.Popen[bytes]):
    """A child that gets `stop_signal` when we die, however we die; `stop` sends the same signal."""

    stop_signal = signal.SIGTERM
    parent_watcher: subprocess.Popen[bytes] | None = None


def spawn(  # noqa: PLR0913 - each one is a property of the child that only its caller knows
    argv: Sequence[str | Path],
    *,
    stop_signal: signal.Signals = signal.SIGTERM,
    account: pwd.struct_passwd | None = None,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    log: IO[bytes] | None = None,
    pass_fds: Iterable[int] = (),
) -> Child:
    """Start a program in its own session, so that Ctrl-C reaches only us.

    Call it from the main thread: Linux sends `stop_signal` when the starting *thread* ends.
    """
    child = Child(
        argv,
        cwd=cwd,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT if log else None,
        start_new_session=True,
        pass_fds=tuple(pass_fds),
        user=account.pw_uid if account else None,
        group=account.pw_gid if account else None,
        extra_groups=[] if account else None,
        # Runs after the uid is dropped, which would clear the death signal; and we have no threads.
        preexec_fn=_die_with_parent(os.getpid(), stop_signal) if ON_LINUX else None,
    )
    child.stop_signal = stop_signal
    if not ON_LINUX:
        child.parent_watcher = start_parent_watcher(child.pid, stop_signal)
    return child


def stop(children: Iterable[Child], timeout_s: float) -> None:
    """Signal all children at once, and kill those that are still alive after `timeout_s` seconds."""
    running = [child for child in children if child.poll() is None]
    for child in running:
        child.send_signal(child.stop_signal)
    deadline = time.monotonic() + timeout_s
    for child in running:
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(max(0.0, deadline - time.monotonic()))
        if child.poll() is None:
            child.kill()
            child.wait()


def start_parent_watcher(pid: int, sig: signal.Signals) -> subprocess.Popen[bytes]:
    """For kernels without a parent-death signal: a process that waits for our end of a pipe to close."""
    argv = [sys.executable, "-P", "-m", "infra.processes.parent_watch", str(pid), str(int(sig))]
    return subprocess.Popen(argv, stdin=subprocess.PIPE, start_new_session=True)


def _die_with_parent(parent_pid: int, sig: signal.Signals) -> Callable[[], None]:
    def set_parent_death_signal() -> None:
        if LIBC is not None:
            LIBC.prctl(PR_SET_PDEATHSIG, int(sig))
        if os.getppid() != parent_pid:  # it died between fork and here: the signal will never come
            os._exit(1)

    return set_parent_death_signal
