"""The loop that tends wards until a signal says to stop."""

import contextlib
import select
import signal
import socket
import time
from collections.abc import Callable, Iterator
from types import FrameType

from infra.processes.child import Child, stop
from infra.processes.supervised import Ward

STOPPING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
LOOK = 1.0  # seconds between looks when nothing rings
LOOK_WHILE_STARTING = 0.01


class StopAsked(BaseException):
    """The operator wants us to end; no error, so nothing that catches errors may swallow it."""


class Supervisor:
    """Made and used in the main thread, where Python delivers signals and Linux ties children to us."""

    def __init__(self) -> None:
        """Nothing to tend yet."""
        self.wards: list[Ward] = []
        self._asked = 0
        self._stopping: list[Child] = []
        self._bell, self._ring = socket.socketpair()
        for end in (self._bell, self._ring):
            end.settimeout(0)

    @contextlib.contextmanager
    def on_duty(self) -> Iterator[None]:
        """Signals are heard; the first asks to stop, the second kills everybody."""
        before = {number: signal.signal(number, self._heard) for number in (*STOPPING, signal.SIGCHLD)}
        fd = signal.set_wakeup_fd(self._ring.fileno(), warn_on_full_buffer=False)
        try:
            yield
        finally:
            signal.set_wakeup_fd(fd)
            for number, handler in before.items():
                signal.signal(number, handler)

    def tend_until(self, fact: Callable[[], bool], within: float) -> bool:
        """Whether it came true in time."""
        deadline = time.monotonic() + within
        while not fact():
            if time.monotonic() > deadline:
                return False
            self._tend(LOOK_WHILE_STARTING)
        return True

    def tend_forever(self) -> None:
        """Until StopAsked."""
        while True:
            self._tend(LOOK)

    def stop(self, wards: list[Ward], within: float) -> None:
        """All of them at once; whoever needs longer is killed. They are tended no more."""
        self.wards = [ward for ward in self.wards if ward not in wards]
        self._stopping = [ward.child for ward in wards if ward.child is not None]
        stop(self._stopping, 0 if self._asked > 1 else within)

    def close(self) -> None:
        """Give back what was opened to hear signals."""
        self._bell.close()
        self._ring.close()

    def _tend(self, look: float) -> None:
        if self._asked:
            raise StopAsked
        for ward in self.wards:
            ward.tend()
        for ward in self.wards:
            ward.look()
        # A ward that is not well is looked at soon: its pause ends, or it becomes ready, without a bell.
        is_well = all(ward.is_ready for ward in self.wards)
        select.select([self._bell], [], [], look if is_well else LOOK_WHILE_STARTING)
        with contextlib.suppress(BlockingIOError):
            self._bell.recv(1024)

    def _heard(self, number: int, _frame: FrameType | None) -> None:
        if number == signal.SIGCHLD:
            return
        self._asked += 1
        if self._asked > 1:
            for child in self._stopping:
                child.kill()
