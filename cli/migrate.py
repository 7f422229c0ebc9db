"""`taskledger migrate`: brings the schema and the read models up to date."""

from pathlib import Path

import click

from cli import options
from cli.database import database_connection
from cli.output import print_line
from infra import settings
from infra.rebuilding.outcome import RebuildProgress
from infra.schema import migrate, pending
from infra.schema.migrate import StepReporter


def _phase_printer() -> StepReporter:
    """Prints a line for each phase of each projection that is rebuilt."""
    printed = set[tuple[str, str]]()

    def print_phase(name: str, step: RebuildProgress) -> None:
        if (name, step.phase) not in printed:
            printed.add((name, step.phase))
            print_line(f"{name}: {step.phase}", to_stderr=True)

    return print_phase


@click.command
@options.data_option
@click.option("--check", is_flag=True, help="Only list missing migrations; exit with 1 if there are any.")
def command(data: Path, check: bool) -> None:  # noqa: FBT001 - a flag
    """Bring the database up to date. Safe to run again."""
    app_settings = settings.resolve(data)
    owner_url = app_settings.migration_url
    with database_connection(owner_url):
        missing = (
            pending.fetch_pending_migrations(owner_url)
            if check
            else migrate.migrate(owner_url, app_settings.database_url, _phase_printer())
        )
    verb = "Missing" if check else "Applied"
    print_line(f"{verb}: {', '.join(missing)}" if missing else "The database is up to date.")
    if check and missing:
        raise SystemExit(1)
