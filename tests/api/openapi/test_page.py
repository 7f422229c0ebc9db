"""The /docs page: its examples run with the variables that its first example, and the README, set."""

import html
import re
import subprocess
from pathlib import Path

from api.openapi.page import PREPARATION, render_page
from tests.api.openapi.test_document import DOCUMENT, operations

README = Path(__file__).parents[3] / "README.md"
PAGE = render_page(DOCUMENT)


def examples() -> list[str]:
    """The commands on the page, without the first."""
    return [html.unescape(text) for text in re.findall(r"<pre>(curl .*?)</pre>", PAGE, re.DOTALL)]


def variables(commands: str) -> set[str]:
    return set(re.findall(r"\$\{?([a-z_]+)", commands))


def assigned(commands: str) -> set[str]:
    return set(re.findall(r"^([a-z_]+)=", commands, re.MULTILINE))


def test_the_first_commands_are_those_of_the_readme() -> None:
    assert f"```sh\n{PREPARATION}\n```" in README.read_text()
    assert html.escape(PREPARATION) in PAGE


def test_every_example_uses_variables_that_the_first_one_sets() -> None:
    known = assigned(PREPARATION)
    assert known == {"server", "api", "token", "workspace", "project", "task"}
    assert len(examples()) == len(list(operations()))
    for example in examples():
        assert variables(example) <= known, example
        assert variables(example) & {"api", "server"}, example
        assert "/api/v1" not in example, example


def test_every_path_on_a_board_is_named_by_a_variable() -> None:
    shown = "\n".join(examples())
    assert not re.findall(r"\$api/(?:tasks|projects|workspaces)/[0-9a-f]{8}-.*", shown)
    assert "$api/tasks/$task/complete" in shown
    assert "$api/projects/$project/tasks" in shown


def test_every_example_is_shell() -> None:
    checked = subprocess.run(
        ["/bin/sh", "-n"], input="\n".join(examples()), capture_output=True, text=True, check=False
    )
    assert not checked.stderr
