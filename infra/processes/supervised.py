"""A program that is kept running: started again when it dies, after a pause that grows."""

import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from infra.errors import OperatorError
from infra.processes.child import Child

MAX_START_ATTEMPTS = 5  # to start at all
STABLE_AFTER_S = 10.0  # seconds after which a death counts as the first one
MAX_RESTART_PAUSE_S = 5.0
MAX_STALE_S = 10.0  # seconds for those of a former run to leave


class Program(Protocol):
    """What can be kept running: a server, or one of our own commands."""

    name: str

    @property
    def log(self) -> Path | None:
        """Where it says why it failed; None: on our standard error."""

    def prepare(self) -> None:
        """Before each attempt until the first success; afterwards a start is a start in the same place."""

    def can_start(self) -> bool:
        """Whether nobody of a former run is in the way."""

    def kill_stale(self) -> None:
        """Kill those of a former run."""

    def spawn(self) -> Child:
        """Start it; it is not ready yet."""

    def is_ready(self, child: Child) -> bool:
        """Whether that child does its work."""


class SupervisedProcess:
    """Call `tend` and `look` often, from the main thread; starting one program never waits for another to answer."""

    def __init__(self, program: Program, report: Callable[[str], None]) -> None:
        """`say` gets a line whenever the program died."""
        self.program = program
        self.report = report
        self.child: Child | None = None
        self.is_ready = False
        self._was_ready = False
        self._exit_count = 0
        self._started_at = 0.0
        self._start_due_at = time.monotonic()

    def check(self) -> None:
        """Notice a death, start what is due. OperatorError when it does not start at all."""
        if self.child is not None and self.child.poll() is not None:
            self._on_exit(self.child.returncode)
        if self.child is None and time.monotonic() >= self._start_due_at and self._can_start():
            if not self._was_ready:
                self.program.prepare()
            self._started_at = time.monotonic()
            self.child = self.program.spawn()

    def probe(self) -> None:
        """Notice readiness, which may take as long as the program takes to answer."""
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
            self.report(f"{self.program.name} {_exit_reason(code)}: starting it again.")
        elif self._exit_count == MAX_START_ATTEMPTS:
            raise OperatorError(
                f"{self.program.name} does not start ({_exit_reason(code)}): {_last_log_lines(self.program.log)}"
            )


def _exit_reason(code: int) -> str:
    return f"died of {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"


def _last_log_lines(log: Path | None) -> str:
    if log is None:
        return "it says why above."
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines()]
    fatal_lines = [number for number, line in enumerate(lines) if "FATAL" in line]
    start = fatal_lines[-1] if fatal_lines else -1
    return f"{' '.join(lines[start:][:4]) or 'it said nothing'} (log: {log})"
