"""A supervised process: a program that is restarted when it dies, with a growing pause."""

import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from infra.errors import OperatorError
from infra.processes.child import Child

MAX_START_ATTEMPTS = 5  # until the first successful start
STABLE_AFTER_S = 10.0  # a later exit counts as the first one again
MAX_RESTART_PAUSE_S = 5.0
MAX_STALE_S = 10.0  # how long processes of a former run may take to exit


class Program(Protocol):
    """A program that can be supervised: an embedded server, or one of our own commands."""

    name: str

    @property
    def log(self) -> Path | None:
        """The file that explains a failure; None if it writes to our standard error."""

    def prepare(self) -> None:
        """Called before each start until one succeeds; restarts reuse the same port and folder."""

    def can_start(self) -> bool:
        """Whether no process of a former run is in the way."""

    def kill_stale(self) -> None:
        """Kill the processes of a former run."""

    def spawn(self) -> Child:
        """Start it; it is not ready yet."""

    def is_ready(self, child: Child) -> bool:
        """Whether that child is ready for work."""

    def diagnosis(self) -> str:
        """What is wrong and what to do about it, if the last start ended for a reason that is known; else empty."""


class SupervisedProcess:
    """Call `check` and `probe` often, from the main thread; starting one program never waits for another."""

    def __init__(self, program: Program, report: Callable[[str], None]) -> None:
        """`report` gets a line whenever the program died after it was ready."""
        self.program = program
        self.report = report
        self.child: Child | None = None
        self.is_ready = False
        self._was_ready = False
        self._exit_count = 0
        self._started_at = 0.0
        self._start_due_at = time.monotonic()

    def check(self) -> None:
        """Detect an exit and start the program if due; raises OperatorError if it does not start at all."""
        if self.child is not None and self.child.poll() is not None:
            self._on_exit(self.child.returncode)
        if self.child is None and time.monotonic() >= self._start_due_at and self._can_start():
            if not self._was_ready:
                self.program.prepare()
            self._started_at = time.monotonic()
            self.child = self.program.spawn()

    def probe(self) -> None:
        """Check for readiness; takes as long as the program takes to answer."""
        if self.child is not None and not self.is_ready:
            self.is_ready = self.program.is_ready(self.child)
            self._was_ready |= self.is_ready

    def _can_start(self) -> bool:
        if self.program.can_start():
            return True
        if time.monotonic() > self._start_due_at + MAX_STALE_S:
            self.program.kill_stale()
        return False

    def _on_exit(self, code: int) -> None:
        now = time.monotonic()
        self._exit_count = 1 if now - self._started_at > STABLE_AFTER_S else self._exit_count + 1
        self._start_due_at = now + min(0.1 * 2**self._exit_count, MAX_RESTART_PAUSE_S)
        self.child, self.is_ready = None, False
        if self._was_ready:
            self.report(f"{self.program.name} {_exit_reason(code)}: restarting it.")
        elif diagnosis := self.program.diagnosis():
            raise OperatorError(f"{self.program.name} does not start: {diagnosis}")
        elif self._exit_count == MAX_START_ATTEMPTS:
            raise OperatorError(
                f"{self.program.name} does not start ({_exit_reason(code)}): {_last_log_lines(self.program.log)}"
            )


def _exit_reason(code: int) -> str:
    return f"died of {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"


def _last_log_lines(log: Path | None) -> str:
    if log is None:
        return "see its output above."
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines()]
    fatal_lines = [number for number, line in enumerate(lines) if "FATAL" in line]
    start = fatal_lines[-1] if fatal_lines else -1
    return f"{' '.join(lines[start:][:4]) or 'it logged nothing'} (log: {log})"
