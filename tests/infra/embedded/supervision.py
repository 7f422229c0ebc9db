"""Supervised programs for the duration of a test."""

import contextlib
from collections.abc import Callable, Iterator

from infra.processes.child import Child
from infra.processes.supervised import Program, SupervisedProcess
from infra.processes.supervisor import Supervisor


@contextlib.contextmanager
def supervised(*programs: Program) -> Iterator[Callable[[], list[Child]]]:
    """Runs programs; a call supervises them until all are ready, and returns their processes."""
    supervisor, messages = Supervisor(), list[str]()
    wards = [SupervisedProcess(program, messages.append) for program in programs]
    supervisor.processes = list(wards)

    def ready() -> list[Child]:
        for ward in wards:
            ward.check()
        assert supervisor.run_until(lambda: all(ward.is_ready for ward in wards), 30)
        return [ward.child for ward in wards if ward.child]

    try:
        ready()
        yield ready
    finally:
        supervisor.stop(wards, 5)
        supervisor.close()
