"""The loop that tends wards until a signal says to stop."""

import contextlib
import select
import signal
import socket
import time
from collections.abc import Callable, Iterator
from types import FrameType

from infra.processes.child import Child, stop
from infra.processes.supervised import SupervisedProcess

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
PROBE_INTERVAL_S = 1.0  # seconds between looks when nothing rings
STARTING_PROBE_INTERVAL_S = 0.01


class StopRequested(BaseException):
    """The operator wants us to end; no error, so nothing that catches errors may swallow it."""


class Supervisor:
    """Made and used in the main thread, where Python delivers signals and Linux ties children to us."""

    def __init__(self) -> None:
        """Nothing to tend yet."""
        self.processes: list[SupervisedProcess] = []
        self._stop_request_count = 0
        self._stopping_children: list[Child] = []
        self._wakeup_reader, self._wakeup_writer = socket.socketpair()
        for end in (self._wakeup_reader, self._wakeup_writer):
            end.settimeout(0)

    @contextlib.contextmanager
    def handle_signals(self) -> Iterator[None]:
        """Signals are heard; the first asks to stop, the second kills everybody."""
        before = {number: signal.signal(number, self._on_signal) for number in (*STOP_SIGNALS, signal.SIGCHLD)}
        fd = signal.set_wakeup_fd(self._wakeup_writer.fileno(), warn_on_full_buffer=False)
        try:
            yield
        finally:
            signal.set_wakeup_fd(fd)
            for number, handler in before.items():
                signal.signal(number, handler)

    def run_until(self, condition: Callable[[], bool], timeout_s: float) -> bool:
        """Whether it came true in time."""
        deadline = time.monotonic() + timeout_s
        while not condition():
            if time.monotonic() > deadline:
                return False
            self._run_once(STARTING_PROBE_INTERVAL_S)
        return True

    def run_forever(self) -> None:
        """Until StopAsked."""
        while True:
            self._run_once(PROBE_INTERVAL_S)

    def stop(self, processes: list[SupervisedProcess], timeout_s: float) -> None:
        """All of them at once; whoever needs longer is killed. They are tended no more."""
        self.processes = [ward for ward in self.processes if ward not in processes]
        self._stopping_children = [ward.child for ward in processes if ward.child is not None]
        stop(self._stopping_children, 0 if self._stop_request_count > 1 else timeout_s)

    def close(self) -> None:
        """Give back what was opened to hear signals."""
        self._wakeup_reader.close()
        self._wakeup_writer.close()

    def _run_once(self, interval_s: float) -> None:
        if self._stop_request_count:
            raise StopRequested
        for process in self.processes:
            process.check()
        for process in self.processes:
            process.probe()
        # A ward that is not well is looked at soon: its pause ends, or it becomes ready, without a bell.
        are_ready = all(ward.is_ready for ward in self.processes)
        select.select([self._wakeup_reader], [], [], interval_s if are_ready else STARTING_PROBE_INTERVAL_S)
        with contextlib.suppress(BlockingIOError):
            self._wakeup_reader.recv(1024)

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        if number == signal.SIGCHLD:
            return
        self._stop_request_count += 1
        if self._stop_request_count > 1:
            for child in self._stopping_children:
                child.kill()
