"""The parent watcher: signals one process when the pipe on its standard input closes."""

import os
import select
import signal
import sys

from infra.processes.pids import find_process


def main() -> None:
    """Arguments: pid and signal number. Exits when that process does, so a reused pid is never signalled."""
    pid, sig = int(sys.argv[1]), int(sys.argv[2])
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    original = find_process(pid)
    while original is not None and find_process(pid) == original:
        if select.select([sys.stdin], [], [], 0.5)[0]:
            os.kill(pid, sig)
            return


if __name__ == "__main__":
    main()
