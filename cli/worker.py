"""`taskledger worker`: one process that keeps the read models up to date."""

import signal
import threading
from pathlib import Path

import click

from cli import options
from infra import logs, settings
from infra.processes import gc_tuning
from infra.worker import worker


@click.command
@options.data
def command(data: Path) -> None:
    """Keep the read models up to date, on servers that run already. `serve` starts it for you."""
    found = settings.resolve(data)
    logs.configure(found.log_level, found.environment)
    stop = threading.Event()
    for wish in (signal.SIGTERM, signal.SIGINT):
        signal.signal(wish, lambda *_: stop.set())
    gc_tuning.freeze_and_relax()
    worker.run(found, stop)
