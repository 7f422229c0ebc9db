"""`taskledger worker`: one process that folds new events into the read models."""

import signal
import threading
from pathlib import Path

import click

from cli import options
from infra import logs, production, settings
from infra.blobs.open_store import require_blob_store
from infra.processes import gc_tuning
from infra.worker import worker


@click.command
@options.data_option
def command(data: Path) -> None:
    """Run one worker, which updates the read models, on servers that are already running. `serve` starts it for you."""
    app_settings = settings.resolve(data)
    logs.configure(app_settings.log_level, app_settings.environment)
    production.require_safe_worker(app_settings)
    require_blob_store(app_settings)
    stop = threading.Event()
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signal_number, lambda *_: stop.set())
    gc_tuning.freeze_and_relax()
    worker.run(app_settings, stop)
