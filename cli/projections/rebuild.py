"""`taskledger projections rebuild`: rebuilds one read model from the log."""

from pathlib import Path

import click

from cli import options
from cli.database import database_connection
from cli.projections import arguments, report
from cli.projections.foreground_job import rebuild_with_progress
from infra import settings
from infra.rebuilding.rebuild import RebuildOptions


@click.command
@options.data_option
@click.argument("name")
@arguments.workers_option
@click.option("--expect-changes", is_flag=True, help="Switch even if rows differ from the live ones.")
def command(data: Path, name: str, processes: int | None, expect_changes: bool) -> None:  # noqa: FBT001 - a flag
    """Rebuild NAME from the whole log, compare it with the live rows, and switch.

    Readers see the old rows until the switch, and the new ones after it. If rows differ, it does not switch and exits
    with 1, unless --expect-changes is given.
    """
    from cli.projections import access_record  # noqa: PLC0415 - what it needs takes long to import

    app_settings, projection = settings.resolve(data), arguments.require_projection(name)
    with database_connection(app_settings.database_url) as connection:
        access_record.record_rebuild(app_settings.database_url, name, expect_changes=expect_changes)
        outcome = rebuild_with_progress(
            connection,
            app_settings.database_url,
            projection,
            RebuildOptions(processes, expect_changes=expect_changes),
        )
    report.print_outcome(name, outcome)
    raise SystemExit(0 if outcome.switched else 1)
