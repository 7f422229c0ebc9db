"""A program that is kept running: started again when it dies, after a pause that grows."""

import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from infra.errors import OperatorError
from infra.processes.child import Child

ATTEMPTS = 5  # to start at all
LONG_LIFE = 10.0  # seconds after which a death counts as the first one
LONGEST_PAUSE = 5.0
PATIENCE = 10.0  # seconds for those of a former run to leave


class Program(Protocol):
    """What can be kept running: a server, or one of our own commands."""

    name: str

    @property
    def log(self) -> Path | None:
        """Where it says why it failed; None: on our standard error."""

    def prepare(self) -> None:
        """Before each attempt until the first success; afterwards a start is a start in the same place."""

    def is_vacant(self) -> bool:
        """Whether nobody of a former run is in the way."""

    def evict(self) -> None:
        """Kill those of a former run."""

    def spawn(self) -> Child:
        """Start it; it is not ready yet."""

    def is_ready(self, child: Child) -> bool:
        """Whether that child does its work."""


class Ward:
    """Call `tend` and `look` often, from the main thread; starting one program never waits for another to answer."""

    def __init__(self, program: Program, say: Callable[[str], None]) -> None:
        """`say` gets a line whenever the program died."""
        self.program = program
        self.say = say
        self.child: Child | None = None
        self.is_ready = False
        self._was_ready = False
        self._deaths = 0
        self._born = 0.0
        self._due = time.monotonic()

    def tend(self) -> None:
        """Notice a death, start what is due. OperatorError when it does not start at all."""
        if self.child is not None and self.child.poll() is not None:
            self._mourn(self.child.returncode)
        if self.child is None and time.monotonic() >= self._due and self._is_vacant():
            if not self._was_ready:
                self.program.prepare()
            self._born = time.monotonic()
            self.child = self.program.spawn()

    def look(self) -> None:
        """Notice readiness, which may take as long as the program takes to answer."""
        if self.child is not None and not self.is_ready:
            self.is_ready = self.program.is_ready(self.child)
            self._was_ready |= self.is_ready

    def _is_vacant(self) -> bool:
        if self.program.is_vacant():
            return True
        if time.monotonic() > self._due + PATIENCE:
            self.program.evict()
        return False

    def _mourn(self, code: int) -> None:
        now = time.monotonic()
        self._deaths = 1 if now - self._born > LONG_LIFE else self._deaths + 1
        self._due = now + min(0.1 * 2**self._deaths, LONGEST_PAUSE)
        self.child, self.is_ready = None, False
        if self._was_ready:
            self.say(f"{self.program.name} {_cause(code)}: starting it again.")
        elif self._deaths == ATTEMPTS:
            raise OperatorError(f"{self.program.name} does not start ({_cause(code)}): {_last_words(self.program.log)}")


def _cause(code: int) -> str:
    return f"died of {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"


def _last_words(log: Path | None) -> str:
    if log is None:
        return "it says why above."
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines()]
    telling = [number for number, line in enumerate(lines) if "FATAL" in line]
    start = telling[-1] if telling else -1
    return f"{' '.join(lines[start:][:4]) or 'it said nothing'} (log: {log})"
