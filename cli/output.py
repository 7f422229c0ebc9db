"""Output of commands: lines in which stored text can do no harm to a terminal."""

import os

import click

from infra.terminal_text import escape


def print_line(line: str, *, to_stderr: bool = False, colour: str | None = None) -> None:
    """Print one line, in a colour if it goes to a terminal and NO_COLOR is not set (https://no-color.org)."""
    text = escape(line)
    has_colour = colour and not os.environ.get("NO_COLOR")
    click.echo(click.style(text, fg=colour) if has_colour else text, err=to_stderr)  # noqa: TID251 - here it is escaped
