"""Output of commands: lines in which stored text can do no harm to a terminal."""

import click

from infra.terminal_text import escape


def print_line(line: str, *, to_stderr: bool = False) -> None:
    """Print one line."""
    click.echo(escape(line), err=to_stderr)  # noqa: TID251 - here it is escaped
