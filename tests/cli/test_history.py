"""`taskledger history` and `replay`: what happened, as people read it, and as JSON."""

import re

import msgspec
import pytest
from click import BadParameter

from domain.task import TaskPurged
from infra.database.connections import connect
from infra.errors import OperatorError
from infra.settings import Settings
from tests.cli.conftest import RunCli
from tests.examples import COMPLETED, CREATED, PROJECT, RENAMED, TASK, member, project, task, workspace
from tests.projections import oracle


def write_history(settings: Settings) -> None:
    with connect(settings.database_url) as connection:
        oracle.append_facts(connection, [*workspace(), *member(), *project(), *task(RENAMED, COMPLETED)])
        oracle.catch_up(connection)


def lines_of(run_cli: RunCli, *words: str) -> list[str]:
    result = run_cli(*words)
    assert result.exit_code == 0, result.output
    return result.output.splitlines()


def test_the_history_of_a_task_says_what_changed(run_cli: RunCli, settings: Settings) -> None:
    write_history(settings)
    created, renamed, completed = lines_of(run_cli, "history", "home-1")
    assert "HOME-1" in created
    assert "task created" in created
    assert "title: Buy milk" in created
    assert "task renamed  title: Buy milk → Buy bread" in renamed
    assert "task completed" in completed
    assert lines_of(run_cli, "history", str(TASK)) == [created, renamed, completed]


def test_a_project_is_replayed_between_two_times(run_cli: RunCli, settings: Settings) -> None:
    write_history(settings)
    shown = lines_of(run_cli, "replay", "--project", "home")
    assert [re.split(" {2,}", line)[3] for line in shown] == [
        "project created",
        "task created",
        "task renamed",
        "task completed",
    ]
    assert lines_of(run_cli, "replay", "--project", str(PROJECT), "--from", "2020-01-01") == shown
    assert lines_of(run_cli, "replay", "--project", "HOME", "--to", "2020-01-01") == []
    types = [msgspec.json.decode(line)["type"] for line in lines_of(run_cli, "replay", "--project", "HOME", "--json")]
    assert types == ["ProjectCreated", "TaskCreated", "TaskRenamed", "TaskCompleted"]


def test_what_was_purged_is_told_without_content(run_cli: RunCli, settings: Settings) -> None:
    with connect(settings.database_url) as connection:
        facts = [*workspace(), *project(), *task(RENAMED, TaskPurged(CREATED.project_id))]
        oracle.append_facts(connection, facts)
        oracle.catch_up(connection)
    for shown in (lines_of(run_cli, "history", str(TASK)), lines_of(run_cli, "replay", "--project", "HOME")):
        assert any("task purged" in line for line in shown)
        assert not any("Buy" in line for line in shown)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("history", "NOPE-1"), "NOPE-1"),
        (("replay", "--project", "NOPE"), "no project NOPE"),
    ],
)
def test_an_unknown_name_is_reported(run_cli: RunCli, settings: Settings, words: tuple[str, ...], message: str) -> None:
    write_history(settings)
    with pytest.raises(OperatorError, match=message):
        raise run_cli(*words).exception or AssertionError


def test_a_time_that_is_none_is_reported(run_cli: RunCli) -> None:
    result = run_cli("replay", "--project", "HOME", "--from", "yesterday")
    assert isinstance(result.exception, BadParameter | SystemExit)
