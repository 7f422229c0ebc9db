"""Options that several commands share: `--data` and `--json`, and the type of a time."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from domain.timestamp import parse_timestamp

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
json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object per line.")
"""Passes `as_json: bool` to the command."""


class _Time(click.ParamType[datetime]):
    """A day, which means its beginning in UTC, or a time with an offset."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        text = str(value)
        try:
            if len(text) == len("YYYY-MM-DD"):
                return datetime.fromisoformat(text).replace(tzinfo=UTC)
            return parse_timestamp(text)
        except ValueError:
            self.fail(f"{text!r} is no time: write 2026-03-01 or 2026-03-01T09:00:00Z.", param, ctx)


TIME = _Time()
