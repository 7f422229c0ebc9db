"""`taskledger diff`: what differs between two times, in sentences."""

import unicodedata
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from cli.main import taskledger
from domain.event import Change
from domain.task import TaskPrioritised, TaskPurged
from infra.database.connections import connect
from infra.errors import OperatorError
from infra.settings import Settings
from tests.cli.conftest import RunCli
from tests.cli.test_history import lines_of
from tests.examples import (
    COMMENT,
    COMMENT_ADDED,
    CREATED,
    OTHER_TASK,
    PROJECT,
    RENAMED,
    TASK,
    TRASHED,
    Fact,
    Facts,
    project,
    task,
    user,
    workspace,
)
from tests.projections import oracle


def write(settings: Settings, *facts: Fact) -> str:
    """Write events and fold them; the time after them."""
    with connect(settings.database_url) as connection:
        oracle.append_facts(connection, [*facts])
        oracle.catch_up(connection)
        ((now,),) = connection.execute("select clock_timestamp()").fetchall()
    return str(now.isoformat())


def start(settings: Settings) -> str:
    facts: Facts = [*user(), *workspace(), *project(), *task(), *task(task_id=OTHER_TASK, number=2, title="Buy salt")]
    return write(settings, *facts)


def test_what_a_task_was_and_became_is_said(run_cli: RunCli, settings: Settings) -> None:
    before = start(settings)
    after = write(settings, (TASK, RENAMED), (TASK, TaskPrioritised(Change("none", "high"))), (COMMENT, COMMENT_ADDED))
    write(settings, (TASK, TaskPrioritised(Change("high", "low"))))
    said = lines_of(run_cli, "diff", "home-1", "--from", before, "--to", after)
    assert said == [
        "~ HOME-1 “Buy bread”: title changed from “Buy milk” to “Buy bread” by Ada.",
        "~ HOME-1 “Buy bread”: priority set to high by Ada.",
        "~ HOME-1 “Buy bread”: 1 comment added by Ada.",
        "+ Comment on HOME-1 “Buy bread”: added by Ada.",
    ]
    assert lines_of(run_cli, "diff", str(TASK), "--from", after) == [
        "~ HOME-1 “Buy bread”: priority changed from high to low by Ada."
    ]


def test_a_project_lists_what_is_new_and_what_is_gone(run_cli: RunCli, settings: Settings) -> None:
    before = start(settings)
    write(settings, (OTHER_TASK, TRASHED), *task(task_id=COMMENT, number=3, title="Buy tea"))
    said = lines_of(run_cli, "diff", "HOME", "--from", before)
    assert {line[0] for line in said} == {"+", "-"}
    assert sum("Buy tea" in line for line in said if line.startswith("+")) == 1
    assert sum("Buy salt" in line for line in said if line.startswith("-")) == 1
    assert lines_of(run_cli, "diff", str(PROJECT), "--from", before) == said
    assert all(line.startswith("+") for line in lines_of(run_cli, "diff", "home"))


def test_it_speaks_russian(run_cli: RunCli, settings: Settings) -> None:
    before = start(settings)
    write(settings, (TASK, RENAMED))
    (said,) = lines_of(run_cli, "diff", "HOME-1", "--from", before, "--language", "ru")
    assert "Buy bread" in said
    assert any("CYRILLIC" in unicodedata.name(letter, "") for letter in said)


def test_a_terminal_shows_colours_unless_they_are_not_wanted(
    settings: Settings, environment: dict[str, str], tmp_path: Path
) -> None:
    start(settings)

    def shown(**more: str) -> str:
        words = ["diff", "HOME-1", "--data", str(tmp_path)]
        return CliRunner().invoke(taskledger, words, env=environment | more, color=True).output

    assert shown().startswith(click.style("+", fg="green", reset=False))
    assert shown(NO_COLOR="1").startswith("+ HOME-1")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("HOME-9",), "HOME-9 is no id and no task has that key"),
        (("WORK",), "There is no project WORK"),
        (("HOME", "--from", "2026-02-01", "--to", "2026-01-01"), "--from is later than --to"),
        (("HOME", "--from", "2999-01-01"), "--from is later than --to"),
    ],
)
def test_a_mistake_is_one_line(run_cli: RunCli, settings: Settings, words: tuple[str, ...], said: str) -> None:
    start(settings)
    with pytest.raises(OperatorError, match=said):
        raise run_cli("diff", *words).exception or AssertionError


def test_nothing_is_left_to_compare_of_what_was_purged(run_cli: RunCli, settings: Settings) -> None:
    start(settings)
    write(settings, (TASK, TRASHED), (TASK, TaskPurged(CREATED.project_id)))
    with pytest.raises(OperatorError, match="was purged"):
        raise run_cli("diff", str(TASK)).exception or AssertionError


def test_read_models_that_are_behind_are_said_to_be(run_cli: RunCli, settings: Settings) -> None:
    start(settings)
    with connect(settings.database_url) as connection:
        oracle.append_facts(connection, [(TASK, RENAMED)])
    with pytest.raises(OperatorError, match="behind the log"):
        raise run_cli("diff", "HOME-1").exception or AssertionError
