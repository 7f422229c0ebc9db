"""Rebuilds and rollbacks on the command line are recorded, in the name of the installation."""

from domain.access import ProjectionRolledBack, RebuildRequested
from domain.event import RecordedEvent
from domain.instance import RULE_ACTOR
from projections.engine.connection import SyncConnection
from tests.cli.conftest import RunCli
from tests.examples import RENAMED, project, task, user, workspace
from tests.projections import oracle


def recorded(database: SyncConnection) -> list[RecordedEvent]:
    kinds = (RebuildRequested, ProjectionRolledBack)
    return [one for one in oracle.all_events(database) if isinstance(one.event, kinds)]


def test_a_rebuild_and_a_rollback_by_hand_are_recorded(database: SyncConnection, run_cli: RunCli) -> None:
    oracle.append_facts(database, [*user(), *workspace(), *project(), *task(RENAMED)])
    oracle.catch_up(database)
    for arguments in (("rebuild", "task_list", "--expect-changes"), ("rollback", "task_list")):
        done = run_cli("projections", *arguments)
        assert done.exit_code == 0, done.output
    assert [one.event for one in recorded(database)] == [
        RebuildRequested("task_list", expect_changes=True),
        ProjectionRolledBack("task_list"),
    ]
    assert {(one.actor, one.workspace_id) for one in recorded(database)} == {(RULE_ACTOR, None)}
    assert {one.trace.causation_id for one in recorded(database)} == {"command line"}


def test_what_comes_to_nothing_is_not_recorded(database: SyncConnection, run_cli: RunCli) -> None:
    assert run_cli("projections", "rollback", "task_list").exit_code == 1
    assert run_cli("projections", "rebuild", "tasks").exit_code == 1
    assert run_cli("projections", "verify", "task_list").exit_code == 0
    assert recorded(database) == []
