"""The supervisor: a loop that checks and restarts processes until a signal requests a stop."""

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
PROBE_INTERVAL_S = 1.0  # between probes, unless a signal arrives
STARTING_PROBE_INTERVAL_S = 0.01


class StopRequested(BaseException):
    """The operator requested a stop; a BaseException, so that error handlers do not swallow it."""


class Supervisor:
    """Create and use it in the main thread, where Python delivers signals and to which Linux ties children."""

    def __init__(self) -> None:
        """Starts without processes; callers add to `processes`."""
        self.processes: list[SupervisedProcess] = []
        self._stop_request_count = 0
        self._stopping_children: list[Child] = []
        self._wakeup_reader, self._wakeup_writer = socket.socketpair()
        for end in (self._wakeup_reader, self._wakeup_writer):
            end.settimeout(0)

    @contextlib.contextmanager
    def handle_signals(self) -> Iterator[None]:
        """Handles signals: the first requests a stop, the second kills the children being stopped."""
        before = {number: signal.signal(number, self._on_signal) for number in (*STOP_SIGNALS, signal.SIGCHLD)}
        fd = signal.set_wakeup_fd(self._wakeup_writer.fileno(), warn_on_full_buffer=False)
        try:
            yield
        finally:
            signal.set_wakeup_fd(fd)
            for number, handler in before.items():
                signal.signal(number, handler)

    def run_until(self, condition: Callable[[], bool], timeout_s: float) -> bool:
        """Supervise until the condition holds; returns whether it did in time."""
        deadline = time.monotonic() + timeout_s
        while not condition():
            if time.monotonic() > deadline:
                return False
            self._run_once(STARTING_PROBE_INTERVAL_S)
        return True

    def run_forever(self) -> None:
        """Supervise until StopRequested."""
        while True:
            self._run_once(PROBE_INTERVAL_S)

    def stop(self, processes: list[SupervisedProcess], timeout_s: float) -> None:
        """Stop these processes at once and kill the slow ones; they are no longer supervised."""
        self.processes = [process for process in self.processes if process not in processes]
        self._stopping_children = [process.child for process in processes if process.child is not None]
        stop(self._stopping_children, 0 if self._stop_request_count > 1 else timeout_s)

    def close(self) -> None:
        """Close the sockets that signals wake the loop with."""
        self._wakeup_reader.close()
        self._wakeup_writer.close()

    def _run_once(self, interval_s: float) -> None:
        if self._stop_request_count:
            raise StopRequested
        for process in self.processes:
            process.check()
        for process in self.processes:
            process.probe()
        # A process that is not ready is polled often: no signal tells when its pause ends or it becomes ready.
        are_ready = all(process.is_ready for process in self.processes)
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
