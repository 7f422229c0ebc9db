"""`taskledger events`, `projections` and `migrate`: what they say, and what they change."""

import msgspec
import pytest

from infra.database.pool import connect
from infra.errors import OperatorError
from infra.settings import Settings
from projections.projection import all_projections
from tests.cli.conftest import DEMO, Type
from tests.projections import oracle
from tests.servers import Servers


def test_the_last_events_are_shown_oldest_first(typed: Type) -> None:
    typed("demo")
    lines = typed("events", "tail", "-n", "3", "--json").output.splitlines()
    events = [msgspec.json.decode(line) for line in lines]
    assert [event["type"] for event in events] == ["TaskCreated", "ColumnCounted", "ColumnsSet"]
    positions = [event["position"] for event in events]
    assert positions == sorted(positions)
    assert "ColumnsSet" in typed("events", "tail", "-n", "1").output
    assert typed("events", "tail", "-n", "0").output == ""


def test_a_rebuild_brings_a_projection_up_to_the_log(typed: Type, settings: Settings) -> None:
    typed("demo")
    assert f"0 of {DEMO}" in typed("projections", "list").output
    for name in all_projections():
        said = typed("projections", "rebuild", name).output
        assert f"{name}: {DEMO} events into" in said
        assert said.endswith("Switched.\n")
    assert f"{DEMO} of {DEMO}" in typed("projections", "list").output
    with connect(settings.database_url) as connection:
        assert oracle.is_right(connection)


def test_an_unknown_projection_is_named_with_those_there_are(typed: Type) -> None:
    with pytest.raises(OperatorError, match="no projection 'nope': choose one of activity, label_list, project_list"):
        raise typed("projections", "rebuild", "nope").exception or AssertionError


def test_an_unprepared_database_says_what_to_run(typed: Type, servers: Servers) -> None:
    with pytest.raises(OperatorError, match="run `taskledger migrate` first"):
        raise typed("events", "tail", TASKLEDGER_DATABASE_URL=servers.new_database()).exception or AssertionError


def test_checking_migrations_changes_nothing(typed: Type, servers: Servers) -> None:
    url = servers.new_database()
    named = {"TASKLEDGER_MIGRATION_URL": url, "TASKLEDGER_DATABASE_URL": servers.restricted(url)}
    check = typed("migrate", "--check", **named)
    assert (check.exit_code, check.output.startswith("Missing: 0001")) == (1, True)
    assert typed("migrate", **named).output.startswith("Applied: 0001")
    assert typed("migrate", **named).output == "The database is up to date.\n"
    assert typed("migrate", "--check", **named).exit_code == 0
