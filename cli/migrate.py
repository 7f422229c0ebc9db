"""`taskledger migrate`: bring the database up to date."""

from pathlib import Path

import click

from cli import options
from cli.opened import database
from infra import settings
from infra.rebuilding.outcome import RebuildProgress
from infra.schema import migrate
from infra.schema.migrate import StepReporter


def _tell() -> StepReporter:
    """A line for each phase of each projection that is folded."""
    said = set[tuple[str, str]]()

    def tell(name: str, step: RebuildProgress) -> None:
        if (name, step.phase) not in said:
            said.add((name, step.phase))
            click.echo(f"{name}: {step.phase}", err=True)

    return tell


@click.command
@options.data
@click.option("--check", is_flag=True, help="Only say what is missing; exit with 1 if anything is.")
def command(data: Path, check: bool) -> None:  # noqa: FBT001 - a flag
    """Bring the database up to date; doing it twice changes nothing more."""
    found = settings.resolve(data)
    owner = found.migration_url
    with database(owner):
        missing = migrate.pending_migrations(owner) if check else migrate.migrate(owner, found.database_url, _tell())
    verb = "Missing" if check else "Applied"
    click.echo(f"{verb}: {', '.join(missing)}" if missing else "The database is up to date.")
    if check and missing:
        raise SystemExit(1)
