"""The blind quiz: whether a reader who sees only the tree guesses the file of a definition.

`scripts/blind SEED` prints the tree and forty definitions, each by its name and the first line of its docstring (of its
code, where it has none). A reader who knows nothing else writes a line `NAME PATH` for each;
`scripts/blind SEED --score FILE` counts the right guesses and lists the wrong ones.
"""

import ast
import random
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import click
from msgspec import Struct

ROOT = Path(__file__).parents[1]
DRAWN_DEFINITIONS = {"infra": 16, "api": 8, "projections": 6, "commands": 5, "domain": 3, "cli": 2}
"""How many definitions are drawn from each top-level package."""


class Definition(Struct, frozen=True):
    """A public class or function of a module, as the reader sees it, and where it is."""

    path: str
    name: str
    first_line: str


def source_files() -> list[str]:
    """The Python files of the application that Git tracks, by path."""
    listed = subprocess.run(
        ["git", "ls-files", *(f"{package}/*.py" for package in DRAWN_DEFINITIONS)],  # noqa: S607 - git from PATH
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [path for path in listed.stdout.split() if not path.endswith("__init__.py")]


def definitions(path: str) -> Iterator[Definition]:
    """The public top-level classes and functions of a file."""
    source = (ROOT / path).read_text()
    lines = source.splitlines()
    for node in ast.parse(source).body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and not node.name.startswith("_"):
            docstring = (ast.get_docstring(node) or "").partition("\n")[0]
            yield Definition(path, node.name, docstring or lines[node.lineno - 1].strip())


def draw(seed: int) -> list[Definition]:
    """Forty definitions with unique names, a fixed number from each package."""
    found = [one for path in source_files() for one in definitions(path)]
    names = [one.name for one in found]
    unique = [one for one in found if names.count(one.name) == 1]
    chance = random.Random(seed)  # noqa: S311 - no secret
    drawn = [
        one
        for package, count in DRAWN_DEFINITIONS.items()
        for one in chance.sample([each for each in unique if each.path.startswith(f"{package}/")], count)
    ]
    chance.shuffle(drawn)
    return drawn


def question_sheet(seed: int) -> str:
    """What a reader is given: the tree, then the definitions."""
    return "\n".join([*source_files(), "", *(f"{one.name}: {one.first_line}" for one in draw(seed))])


def mark(seed: int, guesses: Sequence[str]) -> list[str]:
    """The score, in all and of `infra`, and a line for each wrong guess.

    Raises ClickException for a guess about a definition that is not drawn: the code has changed since.
    """
    guessed = dict(line.split(maxsplit=1) for line in guesses if line.strip())
    rows = [(one, guessed.pop(one.name, "no guess").strip()) for one in draw(seed)]
    if guessed:
        raise click.ClickException(f"{min(guessed)} is not on the sheet of this seed and this code: print it again.")
    infra = [(one, guess) for one, guess in rows if one.path.startswith("infra/")]
    wrong = [f"{one.name}: {guess}, not {one.path}" for one, guess in rows if guess != one.path]
    return [f"{_right(rows)} of {len(rows)} right, {_right(infra)} of {len(infra)} in infra.", *wrong]


def _right(rows: Sequence[tuple[Definition, str]]) -> int:
    return sum(one.path == guess for one, guess in rows)


@click.command(help=__doc__)
@click.argument("seed", type=int)
@click.option("--score", "guesses", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="Score a file.")
def main(seed: int, guesses: Path | None) -> None:
    """Print a question sheet, or score the guesses in a file."""
    lines = mark(seed, guesses.read_text().splitlines()) if guesses else [question_sheet(seed)]
    click.echo("\n".join(lines))


if __name__ == "__main__":
    main()
