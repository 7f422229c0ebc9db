"""Rights: one row for each command, and what a row says is what happens."""

from typing import Any, Literal

import pytest

from commands import command, permissions
from commands.column import CountColumn
from commands.command import Command
from commands.handling.decision import CommandOn, Decision
from commands.task import CompleteTask
from commands.trash import PurgeProject, PurgeTask
from domain.errors import Forbidden, NotFound, ScopeTooNarrow
from domain.event import Actor
from domain.member import Role
from domain.user import RULE_ACTOR, TokenScope
from tests.examples import (
    ADA,
    BOB,
    COMPLETED,
    OTHER_WORKSPACE,
    PROJECT,
    PROJECT_TRASHED,
    TASK,
    TRASHED,
    Facts,
    member,
    project,
    task,
    workspace,
)
from tests.given import USUAL_TARGET, Past, given


def test_every_command_has_its_row() -> None:
    assert {
        name for name in command.all_commands() if not name.startswith("_")
    } <= permissions.REQUIRED_PERMISSIONS.keys()


RULED: list[tuple[Command[Any], Facts]] = [
    (PurgeTask(expected_version=2), task(TRASHED)),
    (PurgeProject(expected_version=2), [(PROJECT, PROJECT_TRASHED)]),
    (CountColumn(column="todo", tasks=1, seen=0), []),
]


def test_what_is_for_rules_alone_is_known() -> None:
    ruled = {name for name, needs in permissions.REQUIRED_PERMISSIONS.items() if needs.rule_only}
    assert ruled == {type(command).__name__ for command, _ in RULED}


@pytest.mark.parametrize(("command", "facts"), RULED)
def test_nobody_but_a_rule_does_what_rules_do(command: Command[Any], facts: Facts) -> None:
    past, wish = Past([*workspace(), *project(), *facts]), CommandOn(USUAL_TARGET[command.state_type], command)
    past.decide(wish, by=RULE_ACTOR)
    others: list[Literal["human", "agent", "import"]] = ["human", "agent", "import"]
    for kind in others:
        with pytest.raises(NotFound):
            past.decide(wish, by=Actor(ADA.id, kind))


@pytest.mark.parametrize("role", permissions.ROLES)
def test_a_role_does_what_its_row_says_and_no_more(role: Role) -> None:
    here = given(workspace(), member(BOB, role), project(), task())
    if permissions.is_role_at_least(role, permissions.REQUIRED_PERMISSIONS["CompleteTask"].role or "owner"):
        here.when(CompleteTask(), by=BOB).then(COMPLETED)
    else:
        here.when(CompleteTask(), by=BOB).then_refused(Forbidden, needed="member")


@pytest.mark.parametrize("scope", permissions.SCOPES)
def test_a_token_does_not_go_beyond_its_scope(scope: TokenScope) -> None:
    past = Past([*workspace(), *member(BOB), *project(), *task()])
    decision = Decision(past, BOB, scope=scope)
    if scope == "read":
        with pytest.raises(ScopeTooNarrow):
            decision.decide(CommandOn(TASK, CompleteTask()))
    else:
        decision.decide(CommandOn(TASK, CompleteTask()))
        assert decision.new_events == [(TASK, COMPLETED)]


def test_who_sees_nothing_is_not_told_of_a_scope() -> None:
    past = Past([*workspace(), *workspace(OTHER_WORKSPACE, BOB), *project(), *task()])
    with pytest.raises(NotFound):
        Decision(past, BOB, scope="read").decide(CommandOn(TASK, CompleteTask()))
