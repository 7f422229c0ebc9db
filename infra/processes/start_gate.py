"""A gate at which processes wait that are started early: they import their modules while their servers start.

It is a pipe. The processes read from it until its other end is closed; one that is restarted later finds it closed.
"""

import os


class StartGate:
    """The side that opens it; `fd` is inherited by those that wait."""

    def __init__(self) -> None:
        """Shut."""
        self.fd, self._opening_fd = os.pipe()
        self.is_open = False

    def open(self) -> None:
        """Let all pass, now and later."""
        if not self.is_open:
            self.is_open = True
            os.close(self._opening_fd)

    def close(self) -> None:
        """Release the pipe, when no process is started any more."""
        self.open()
        os.close(self.fd)


def wait_at(fd: int) -> None:
    """Return once the gate is open, or the process that would open it is gone."""
    os.read(fd, 1)
