"""`taskledger events`, `projections` and `migrate`: what they print, and what they change."""

import msgspec
import pytest

from infra.database.connections import connect
from infra.errors import OperatorError
from infra.settings import Settings
from projections.projection import all_projections
from tests.cli.conftest import DEMO_EVENTS, RunCli
from tests.projections import oracle
from tests.servers import Servers


def test_the_last_events_are_shown_oldest_first(run_cli: RunCli) -> None:
    run_cli("demo")
    lines = run_cli("events", "tail", "-n", "3", "--json").output.splitlines()
    events = [msgspec.json.decode(line) for line in lines]
    assert [event["type"] for event in events] == ["TaskCreated", "ColumnCounted", "ColumnsSet"]
    positions = [event["position"] for event in events]
    assert positions == sorted(positions)
    assert "ColumnsSet" in run_cli("events", "tail", "-n", "1").output
    assert run_cli("events", "tail", "-n", "0").output == ""


def test_a_rebuild_brings_a_projection_up_to_the_log(run_cli: RunCli, settings: Settings) -> None:
    run_cli("demo")
    assert f"0 of {DEMO_EVENTS}" in run_cli("projections", "list").output
    for count, name in enumerate(all_projections(), DEMO_EVENTS + 1):  # each rebuild is recorded before it begins
        result = run_cli("projections", "rebuild", name).output
        assert f"{name}: {count} events into" in result
        assert result.endswith("Switched.\n")
    assert f"{count} of {count}" in run_cli("projections", "list").output
    with connect(settings.database_url) as connection:
        oracle.catch_up(connection)
        assert oracle.matches_log(connection)


def test_an_unknown_projection_is_named_with_those_there_are(run_cli: RunCli) -> None:
    known = "activity, attachment_list, audit, comment_list"
    with pytest.raises(OperatorError, match=rf"no projection 'nope'\. Choose one of {known}"):
        raise run_cli("projections", "rebuild", "nope").exception or AssertionError


def test_an_unmigrated_database_names_the_command_to_run(run_cli: RunCli, servers: Servers) -> None:
    with pytest.raises(OperatorError, match="run `taskledger migrate` first"):
        raise run_cli("events", "tail", TASKLEDGER_DATABASE_URL=servers.new_database()).exception or AssertionError


def test_checking_migrations_changes_nothing(run_cli: RunCli, servers: Servers) -> None:
    url = servers.new_database()
    named = {"TASKLEDGER_MIGRATION_URL": url, "TASKLEDGER_DATABASE_URL": servers.application_url(url)}
    check = run_cli("migrate", "--check", **named)
    assert (check.exit_code, check.output.startswith("Missing: 0001")) == (1, True)
    assert run_cli("migrate", **named).output.startswith("Applied: 0001")
    assert run_cli("migrate", **named).output == "The database is up to date.\n"
    assert run_cli("migrate", "--check", **named).exit_code == 0
