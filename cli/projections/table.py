"""A table of text, at full width if the output is piped."""

from collections.abc import Iterable

from rich.console import Console
from rich.table import Table
from rich.text import Text

from infra.terminal_text import escape

PIPED_WIDTH_CHARS = 160


def print_table(headers: Iterable[str], rows: Iterable[Iterable[str]]) -> None:
    """Print at full width if the output is piped, else at the width of the terminal."""
    table = Table(*headers, box=None, pad_edge=False)
    for row in rows:
        table.add_row(*(Text(escape(cell)) for cell in row))  # as Text: brackets are no markup
    console = Console()
    Console(width=console.width if console.is_terminal else PIPED_WIDTH_CHARS).print(table)
