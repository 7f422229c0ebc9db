"""Options that several commands share: `--data`."""

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
    help="The folder that holds all data of one instance.",
)
"""Passes `data: Path` to the command, as an absolute path."""
