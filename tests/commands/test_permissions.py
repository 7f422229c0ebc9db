"""Permissions: one row for each command; every row is enforced."""

from typing import Any, Literal

import pytest

from commands import command, permissions
from commands.access import RecordRefusals, RecordRollback
from commands.archive import ArchiveByRule
from commands.column import CountColumn
from commands.command import Command
from commands.handling.command_on import CommandOn
from commands.handling.decision import Decision
from commands.handling.decision_options import DecisionOptions
from commands.task import CompleteTask
from commands.trash import PurgeComment, PurgeProject, PurgeTask, PurgeTimeEntry, PurgeWorkspace
from domain.errors import Forbidden, NotFound, ScopeTooNarrow
from domain.event import Actor
from domain.instance import RULE_ACTOR
from domain.member import Role
from domain.user import TokenScope
from domain.workspace import WorkspaceTrashed
from tests.examples import (
    ADA,
    ARCHIVE_RULE_SET,
    BOB,
    COMPLETED,
    OTHER_WORKSPACE,
    PROJECT,
    PROJECT_TRASHED,
    PURGED,
    TASK,
    TRASHED,
    WORKSPACE,
    Facts,
    comment,
    member,
    project,
    task,
    time_entry,
    workspace,
)
from tests.given import DEFAULT_TARGETS, EventHistory, given


def test_every_command_has_a_permission_row() -> None:
    assert {
        name for name in command.all_commands() if not name.startswith("_")
    } <= permissions.REQUIRED_PERMISSIONS.keys()


RULE_ONLY_COMMANDS: list[tuple[Command[Any], Facts]] = [
    (PurgeTask(expected_version=2), task(TRASHED)),
    (ArchiveByRule(expected_version=2), [(PROJECT, ARCHIVE_RULE_SET), *task(COMPLETED)]),
    (PurgeComment(), [*task(TRASHED, PURGED), *comment()]),
    (PurgeTimeEntry(), [*task(TRASHED, PURGED), *time_entry()]),
    (PurgeProject(expected_version=2), [(PROJECT, PROJECT_TRASHED)]),
    (PurgeWorkspace(expected_version=2), [(WORKSPACE, WorkspaceTrashed("Home"))]),
    (CountColumn(column="todo", tasks=1, seen=0), []),
    (RecordRefusals(refused=()), []),
    (RecordRollback(projection="task_list"), []),
]


def test_the_rule_only_commands_are_these() -> None:
    ruled = {name for name, needs in permissions.REQUIRED_PERMISSIONS.items() if needs.rule_only}
    assert ruled == {type(command).__name__ for command, _ in RULE_ONLY_COMMANDS}


@pytest.mark.parametrize(("command", "facts"), RULE_ONLY_COMMANDS)
def test_only_rules_may_give_rule_only_commands(command: Command[Any], facts: Facts) -> None:
    past, command_on = (
        EventHistory([*workspace(), *project(), *facts]),
        CommandOn(DEFAULT_TARGETS[command.state_type], command),
    )
    past.decide(command_on, actor=RULE_ACTOR)
    others: list[Literal["human", "agent", "import"]] = ["human", "agent", "import"]
    for kind in others:
        with pytest.raises(NotFound):
            past.decide(command_on, actor=Actor(ADA.id, kind))


@pytest.mark.parametrize("role", permissions.ROLES)
def test_a_role_does_what_its_row_says_and_no_more(role: Role) -> None:
    here = given(workspace(), member(BOB, role), project(), task())
    if permissions.is_role_at_least(role, permissions.REQUIRED_PERMISSIONS["CompleteTask"].role or "owner"):
        here.when(CompleteTask(), actor=BOB).then(COMPLETED)
    else:
        here.when(CompleteTask(), actor=BOB).then_refused(Forbidden, needed="member")


@pytest.mark.parametrize("scope", permissions.SCOPES)
def test_a_token_does_not_go_beyond_its_scope(scope: TokenScope) -> None:
    past = EventHistory([*workspace(), *member(BOB), *project(), *task()])
    decision = Decision(past, BOB, options=DecisionOptions(scope))
    if scope in {"read", "propose"}:
        with pytest.raises(ScopeTooNarrow):
            decision.decide(CommandOn(TASK, CompleteTask()))
    else:
        decision.decide(CommandOn(TASK, CompleteTask()))
        assert decision.new_events == [(TASK, COMPLETED)]


def test_a_token_is_said_to_propose_only_if_it_may_do_no_more() -> None:
    assert [permissions.scopes_within(scope) for scope in permissions.SCOPES] == [
        ("read",),
        ("read", "propose"),
        ("read", "write"),
        ("read", "write", "admin"),
    ]


def test_a_non_member_gets_not_found_before_scope_errors() -> None:
    past = EventHistory([*workspace(), *workspace(OTHER_WORKSPACE, BOB), *project(), *task()])
    with pytest.raises(NotFound):
        Decision(past, BOB, options=DecisionOptions("read")).decide(CommandOn(TASK, CompleteTask()))
