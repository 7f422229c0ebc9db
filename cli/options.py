"""Options that several commands share."""

from pathlib import Path

import click

data_option = click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    default=".taskledger",
    envvar="TASKLEDGER_DATA",
    show_default=True,
    show_envvar=True,
    callback=lambda _context, _option, folder: folder.absolute(),
    help="The folder that holds everything of one Taskledger.",
)
"""A command decorated with it gets `data: Path`, absolute."""
