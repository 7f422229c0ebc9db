"""Links from a page of the documentation to files of this repository, and the names that they speak of."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

DOCS = Path(__file__).parents[1] / "docs"
_LINK = re.compile(r"\[([^\]]+)\]\((\.\./[^)]+)\)")
_NAME = re.compile(r"`([A-Za-z_][\w.]*)`")


def links_in(markdown: str) -> list[tuple[str, str]]:
    """The text and the path of each link to a file outside `docs`."""
    return _LINK.findall(markdown)


def undefined_names(text: str, path: str) -> set[str]:
    """The names in the text of a link that its Python file does not define; fails if there is no such file."""
    target = (DOCS / path).resolve()
    assert target.exists(), f"the page links to {path}, which does not exist"
    names = set(_NAME.findall(text)) if target.suffix == ".py" else set[str]()
    return names - set(_defined_names(target.read_text())) if names else set()


def _defined_names(source: str) -> Iterator[str]:
    """The functions, classes with their methods, and constants of a module."""
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        if isinstance(node, ast.ClassDef):
            yield from (f"{node.name}.{each.name}" for each in node.body if hasattr(each, "name"))
        if isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            yield from (each.id for each in targets if isinstance(each, ast.Name))
