"""SIGTERM during a command: the same orderly end as after Ctrl-C."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager

TERMINATED_EXIT_CODE = 143
"""What a shell reports of a process that SIGTERM ended."""


@contextmanager
def sigterm_as_interrupt() -> Iterator[None]:
    """Take SIGTERM for Ctrl-C; the KeyboardInterrupt that it leads to becomes a SystemExit in the end."""
    received = list[int]()

    def interrupt(number: int, _: object) -> None:
        received.append(number)
        signal.raise_signal(signal.SIGINT)

    previous = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    except KeyboardInterrupt:
        if received:
            raise SystemExit(TERMINATED_EXIT_CODE) from None
        raise
    finally:
        signal.signal(signal.SIGTERM, previous)
