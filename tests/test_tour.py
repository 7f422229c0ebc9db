"""The guided tour: every file that it links to exists, and defines the names in the link."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

TOUR = Path(__file__).parents[1] / "docs" / "tour.md"
LINKS: list[tuple[str, str]] = re.findall(r"\[([^\]]+)\]\((\.\./[^)]+)\)", TOUR.read_text())
NAME = re.compile(r"`([A-Za-z_][\w.]*)`")


def defined_names(source: str) -> Iterator[str]:
    """The functions, classes with their methods, and constants of a module."""
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        if isinstance(node, ast.ClassDef):
            yield from (f"{node.name}.{each.name}" for each in node.body if hasattr(each, "name"))
        if isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            yield from (each.id for each in targets if isinstance(each, ast.Name))


def undefined_names(text: str, path: str) -> set[str]:
    target = (TOUR.parent / path).resolve()
    assert target.exists(), f"the tour links to {path}, which does not exist"
    names = set(NAME.findall(text)) if target.suffix == ".py" else set[str]()
    return names - set(defined_names(target.read_text())) if names else set()


@pytest.mark.parametrize(("text", "path"), LINKS)
def test_every_definition_on_the_tour_exists(text: str, path: str) -> None:
    assert not undefined_names(text, path)


def test_the_tour_leads_through_every_layer() -> None:
    layers = {path.split("/")[1] for _, path in LINKS}
    assert layers >= {"api", "commands", "domain", "infra", "projections"}


def test_a_definition_that_is_gone_is_noticed() -> None:
    assert undefined_names("`CommandHandler.gone`", "../commands/handling/handler.py") == {"CommandHandler.gone"}
    with pytest.raises(AssertionError, match="does not exist"):
        undefined_names("`Lane`", "../commands/handling/gone.py")
