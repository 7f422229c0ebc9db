"""Rights: one row for each command, and what a row says is what happens."""

import pytest

from commands import command, rights
from commands.decision import Decision, Wish
from commands.task import CompleteTask
from domain.errors import Forbidden, NotFound, ScopeTooNarrow
from domain.member import Role
from domain.user import Scope
from tests.examples import BOB, COMPLETED, OTHER_WORKSPACE, TASK, member, project, task, workspace
from tests.given import Past, given


def test_every_command_has_its_row() -> None:
    assert {name for name in command.every() if not name.startswith("_")} <= rights.TABLE.keys()


@pytest.mark.parametrize("role", rights.ROLES)
def test_a_role_does_what_its_row_says_and_no_more(role: Role) -> None:
    here = given(workspace(), member(BOB, role), project(), task())
    if rights.has_role(role, rights.TABLE["CompleteTask"].role or "owner"):
        here.when(CompleteTask(), by=BOB).then(COMPLETED)
    else:
        here.when(CompleteTask(), by=BOB).then_refused(Forbidden, needed="member")


@pytest.mark.parametrize("scope", rights.SCOPES)
def test_a_token_does_not_go_beyond_its_scope(scope: Scope) -> None:
    past = Past([*workspace(), *member(BOB), *project(), *task()])
    decision = Decision(past, BOB, scope=scope)
    if scope == "read":
        with pytest.raises(ScopeTooNarrow):
            decision.make(Wish(TASK, CompleteTask()))
    else:
        decision.make(Wish(TASK, CompleteTask()))
        assert decision.written == [(TASK, COMPLETED)]


def test_who_sees_nothing_is_not_told_of_a_scope() -> None:
    past = Past([*workspace(), *workspace(OTHER_WORKSPACE, BOB), *project(), *task()])
    with pytest.raises(NotFound):
        Decision(past, BOB, scope="read").make(Wish(TASK, CompleteTask()))
