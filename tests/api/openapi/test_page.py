"""The /docs page: its examples run with the variables that its first example, and the README, set."""

import html
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

from api.openapi.event_schema import event_schema
from api.openapi.page import MORE_PREPARATION, PREPARATION, render_page
from domain import codec
from tests.api.openapi.test_document import DOCUMENT, operations

PYTHON_WORDS = re.compile(r"\b(?:True|False|None|NoneType|UUID\(|datetime\.|UNSET|Struct|Literal|list\[|dict\[)")
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
    known = assigned(f"{PREPARATION}\n{MORE_PREPARATION}")
    assert known == {"server", "api", "token", "user", "workspace", "project", "task", "saved_filter"}
    assert len(examples()) == len(list(operations()))
    for example in examples():
        assert variables(example) <= known, example
        assert variables(example) & {"api", "server"}, example
        assert "/api/v1" not in example, example


def test_every_path_on_a_board_is_named_by_a_variable() -> None:
    shown = "\n".join(examples())
    assert not re.findall(r"\$api/(?:tasks|projects|workspaces|filters)/[0-9a-f]{8}-.*", shown)
    assert "$api/tasks/$task/complete" in shown
    assert "$api/projects/$project/tasks" in shown


def test_people_are_not_called_by_the_names_of_projects() -> None:
    named = [text for text in examples() if "/auth/" in text or "/members" in text]
    assert not [text for text in named if "Kitchen" in text]
    assert '"name": "Kitchen", "role"' not in html.unescape(PAGE)


def in_words_of_python(text: str) -> list[str]:
    return PYTHON_WORDS.findall(text.replace("If-None-Match", ""))


def texts_in(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        yield from (text for name, each in value.items() for text in (name, *texts_in(each)))
    elif isinstance(value, list):
        yield from (text for each in value for text in texts_in(each))
    elif isinstance(value, str):
        yield value


def test_neither_the_page_nor_the_description_is_in_words_of_python() -> None:
    page = re.sub(r"<style>.*?</style>", "", html.unescape(PAGE), flags=re.DOTALL)
    schemas = [event_schema(kind) for kind in codec.all_event_types().values()]
    reference = Path(README.parent, "docs", "reference.md").read_text()
    assert in_words_of_python(page) == []
    assert [text for text in texts_in([DOCUMENT, schemas]) if in_words_of_python(text)] == []
    assert in_words_of_python(reference) == []
    assert "<code>true</code>" in page


def test_a_value_in_the_spelling_of_python_is_noticed() -> None:
    for text in ("for example <code>True</code>", "None: not counted", "UUID('x')", "datetime.date(2026, 1, 1)"):
        assert in_words_of_python(text)


def test_every_example_is_shell() -> None:
    checked = subprocess.run(
        ["/bin/sh", "-n"], input="\n".join(examples()), capture_output=True, text=True, check=False
    )
    assert not checked.stderr
