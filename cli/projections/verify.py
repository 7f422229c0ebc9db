"""`taskledger projections verify`: compares read models with the log."""

from pathlib import Path

import click

from cli import options
from cli.database import database_connection
from cli.projections import arguments, report
from cli.projections.foreground_job import rebuild_with_progress
from infra import settings
from infra.rebuilding.rebuild import RebuildOptions
from projections.projection import all_projections


@click.command
@options.data_option
@click.argument("name", required=False)
@arguments.workers_option
def command(data: Path, name: str | None, processes: int | None) -> None:
    """Fold the log again and compare NAME, or all, with it row by row; exits with 1 if anything differs."""
    app_settings, outcomes = settings.resolve(data), []
    with database_connection(app_settings.database_url) as connection:
        for projection in [arguments.require_projection(name)] if name else all_projections().values():
            rebuild_options = RebuildOptions(processes, verify_only=True)
            outcomes.append(rebuild_with_progress(connection, app_settings.database_url, projection, rebuild_options))
            report.print_outcome(projection.name, outcomes[-1])
    raise SystemExit(0 if all(outcome.compared and not outcome.differences for outcome in outcomes) else 1)
