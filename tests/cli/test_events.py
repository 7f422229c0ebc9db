"""`taskledger events`: the log as text and JSON, whole or filtered, unknown events included."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from cli import output
from cli.events import formatting
from domain.event import Change
from domain.task import TaskRenamed
from infra.database.connections import connect
from infra.errors import OperatorError
from infra.settings import Settings
from tests.cli.conftest import RunCli
from tests.examples import CREATED, TASK
from tests.law import planted_defect
from tests.projections import oracle


def parse_lines(output: str) -> list[dict[str, Any]]:
    return [msgspec.json.decode(line) for line in output.splitlines()]


def test_a_task_is_shown_by_its_key_from_one_version_to_another(run_cli: RunCli) -> None:
    run_cli("demo")
    run_cli("projections", "rebuild", "task_list")
    key = next(one["event"]["key"] for one in parse_lines(run_cli("events", "export", "--type", "TaskCreated").output))
    shown = parse_lines(run_cli("events", "show", key.lower(), "--json").output)
    assert [one["version"] for one in shown] == list(range(1, len(shown) + 1))
    assert {one["stream"] for one in shown} == {shown[0]["stream"]}
    assert parse_lines(run_cli("events", "show", shown[0]["stream"], "--to", "1", "--json").output) == shown[:1]
    assert "TaskCreated" in run_cli("events", "show", key).output


@pytest.mark.parametrize("wanted", ["NOPE-1", "00000000-0000-4000-8000-000000000000"])
def test_an_unknown_stream_is_reported(run_cli: RunCli, wanted: str) -> None:
    with pytest.raises(OperatorError, match=wanted):
        raise run_cli("events", "show", wanted).exception or AssertionError


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("events", "export", "--type", "TaskCreated", "--type", "Nope"), "no event type named Nope: check --type"),
        (("events", "export", "--workspace", "00000000-0000-4000-8000-000000000000"), "check --workspace"),
        (("events", "export", "--workspace", str(TASK)), "check --workspace"),
        (("projections", "parked", "nope"), "There is no projection 'nope'"),
    ],
)
def test_an_option_that_names_something_unknown_is_a_mistake(
    run_cli: RunCli, settings: Settings, words: tuple[str, ...], message: str
) -> None:
    with connect(settings.migration_url) as owner:
        oracle.append_facts(owner, [(TASK, CREATED)])
    with pytest.raises(OperatorError, match=message):
        raise run_cli(*words).exception or AssertionError


def test_an_export_is_the_whole_log_or_a_part_of_it(run_cli: RunCli, tmp_path: Path) -> None:
    run_cli("demo")
    whole = parse_lines(run_cli("events", "export").output)
    assert [one["position"] for one in whole] == sorted(one["position"] for one in whole)
    assert {"WorkspaceCreated", "TaskCreated"} <= {one["type"] for one in whole}
    workspace = next(one["workspace_id"] for one in whole if one["type"] == "TaskCreated")
    middle = whole[len(whole) // 2]["position"]
    chosen = ("--workspace", workspace, "--type", "TaskCreated", "--type", "TaskCompleted", "--after", str(middle))
    assert parse_lines(run_cli("events", "export", *chosen).output) == [
        one
        for one in whole
        if one["workspace_id"] == workspace
        and one["position"] > middle
        and one["type"] in {"TaskCreated", "TaskCompleted"}
    ]
    run_cli("events", "export", "-o", str(tmp_path / "log.jsonl"))
    assert parse_lines((tmp_path / "log.jsonl").read_text()) == whole


def test_events_unknown_to_this_version_are_shown_as_stored(run_cli: RunCli, settings: Settings) -> None:
    with connect(settings.migration_url) as owner:
        columns = "(originator_id, originator_version, topic, state)"
        for version, state in ((1, b'{"type":"TaskSung","song":"la"}'), (2, b"\xff")):
            sql = f"insert into log.events {columns} values ('{'0' * 32}', %s, 'TaskSung', %s)"  # noqa: S608 - ours
            owner.execute(sql, (version, state))
    shown = parse_lines(run_cli("events", "tail", "--json").output)
    assert [(one["type"], one["event"]) for one in shown] == [
        ("TaskSung", {"song": "la"}),
        ("TaskSung", {"stored": "/w=="}),
    ]
    assert 'TaskSung {"song":"la"}' in run_cli("events", "tail").output
    assert [one["version"] for one in parse_lines(run_cli("events", "export", "--type", "TaskSung").output)] == [1, 2]


HOSTILE = "milk \u202e\u2028\x1b[2J\x9b1m\ue000"


def test_stored_text_cannot_act_on_the_terminal(run_cli: RunCli, settings: Settings) -> None:
    """Neither in the fields of an event nor in the name of an unknown one."""
    with connect(settings.migration_url) as owner:
        oracle.append_facts(owner, [(TASK, TaskRenamed(Change("a", HOSTILE)))])
        sql = "insert into log.events (originator_id, originator_version, topic, state) values (%s, 2, %s, %s)"
        owner.execute(sql, (TASK, f"TaskSung{HOSTILE}", msgspec.json.encode({"song": HOSTILE})))
    for words in (("tail",), ("show", str(TASK)), ("tail", "--json"), ("export",)):
        printed = run_cli("events", *words).output
        assert "milk \\u202e\\u2028" in printed
        assert printed.replace("\n", "").isprintable(), words
        assert len(printed.splitlines()) == 2
    shown = parse_lines(run_cli("events", "export").output)
    assert [one["event"] for one in shown] == [{"title": ["a", HOSTILE]}, {"song": HOSTILE}]


def test_output_that_is_not_escaped_is_noticed(
    run_cli: RunCli, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(formatting, "escape", str)
    monkeypatch.setattr(output, "escape", str)
    with planted_defect(), pytest.raises(AssertionError):
        test_stored_text_cannot_act_on_the_terminal(run_cli, settings)
