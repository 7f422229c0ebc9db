"""Child processes that never outlive the process that started them."""

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
    """A process that gets a signal when we die, however we die; the same one asks it to stop."""

    halt = signal.SIGTERM
    watcher: subprocess.Popen[bytes] | None = None


def spawn(  # noqa: PLR0913 - each one is a property of the child that only its caller knows
    argv: Sequence[str | Path],
    *,
    halt: signal.Signals = signal.SIGTERM,
    account: pwd.struct_passwd | None = None,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    log: IO[bytes] | None = None,
    pass_fds: Iterable[int] = (),
) -> Child:
    """Start a program in a session of its own (Ctrl-C reaches us alone).

    Call it from the main thread: Linux sends `halt` when the starting *thread* ends.
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
        preexec_fn=_dies_with(os.getpid(), halt) if ON_LINUX else None,
    )
    child.halt = halt
    if not ON_LINUX:
        child.watcher = watch(child.pid, halt)
    return child


def stop(children: Iterable[Child], within: float) -> None:
    """Ask all of them at once; whoever is still there after `within` seconds is killed."""
    living = [child for child in children if child.poll() is None]
    for child in living:
        child.send_signal(child.halt)
    deadline = time.monotonic() + within
    for child in living:
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(max(0.0, deadline - time.monotonic()))
        if child.poll() is None:
            child.kill()
            child.wait()


def watch(pid: int, sig: signal.Signals) -> subprocess.Popen[bytes]:
    """Where the kernel offers no death signal: a second process that waits for our end of a pipe to close."""
    argv = [sys.executable, "-P", "-m", "infra.processes.parent_watch", str(pid), str(int(sig))]
    return subprocess.Popen(argv, stdin=subprocess.PIPE, start_new_session=True)


def _dies_with(parent: int, sig: signal.Signals) -> Callable[[], None]:
    def ask_for_the_signal() -> None:
        if LIBC is not None:
            LIBC.prctl(PR_SET_PDEATHSIG, int(sig))
        if os.getppid() != parent:  # it died between fork and here: the signal will never come
            os._exit(1)

    return ask_for_the_signal
