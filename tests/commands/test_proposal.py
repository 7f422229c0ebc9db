"""Commands about proposals, and the laws that they keep."""

from collections.abc import Iterator
from typing import Any

import pytest
from msgspec.structs import replace

from commands.handling.command_on import CommandOn
from commands.handling.decision import Decision
from commands.proposal import AcceptProposal, DeclineProposal, MakeProposal
from commands.task import RenameTask
from domain.agent import AgentIntroduced
from domain.errors import (
    Forbidden,
    NotFound,
    NothingProposed,
    NotProposable,
    ProposalClosed,
    ProposalOutdated,
)
from domain.event import Actor, Change, Event
from domain.proposal import ProposalAccepted, ProposalDeclined, ProposalMade
from domain.task import TaskPrioritised, TaskRenamed
from tests.commands import proposal_laws
from tests.examples import (
    ADA,
    AGENT,
    BOB,
    CAT,
    PLANNED,
    PROPOSAL,
    PROPOSAL_MADE,
    PROPOSED,
    TASK,
    Fact,
    member,
    project,
    proposal,
    task,
    workspace,
)
from tests.given import EventHistory, Given, given
from tests.planted_defects import assert_check_fails

ACCEPTED, DECLINED = ProposalAccepted(BOB.id), ProposalDeclined(BOB.id, "Too early")
MAKE = CommandOn(PROPOSAL, MakeProposal(commands=PROPOSED, events=PLANNED))
ACCEPT = CommandOn(PROPOSAL, AcceptProposal())
FOR_BOB = replace(AGENT, on_behalf_of=BOB.id)


def renamed(title: str, version: int = 1) -> CommandOn:
    return CommandOn(TASK, RenameTask(title=title, expected_version=version))


def here(*later: Fact) -> EventHistory:
    return EventHistory([*workspace(), *member(BOB), *member(CAT, "viewer"), *project(), *task(), *later])


def made(*later: Event) -> Given:
    return given(here(*proposal(*later)).facts)


def accept(past: EventHistory, *commands: CommandOn, actor: Actor = FOR_BOB) -> list[Event]:
    return [event for _, event in past.decide(*commands, actor=actor).new_events]


RENAME = renamed("Oat milk")
PRIORITISED = here(*proposal(), (TASK, TaskPrioritised(Change("none", "high"))))


def test_a_proposal_is_of_the_workspace_of_the_commands_before_it() -> None:
    decision = here().decide(RENAME, MAKE, actor=AGENT)
    assert decision.new_events[1:] == [(PROPOSAL, PROPOSAL_MADE), (AGENT.id, AgentIntroduced(ADA.id))]


def test_an_agent_is_introduced_once_and_a_user_never() -> None:
    known = here((AGENT.id, AgentIntroduced(ADA.id)))
    assert accept(known, RENAME, MAKE, actor=AGENT)[1:] == [PROPOSAL_MADE]
    assert accept(here(), RENAME, MAKE, actor=ADA)[1:] == [PROPOSAL_MADE]


def test_a_proposal_needs_a_workspace_and_something_to_change() -> None:
    with pytest.raises(NotProposable):
        here().decide(MAKE, actor=AGENT)
    with pytest.raises(NothingProposed):
        here().decide(RENAME, CommandOn(PROPOSAL, MakeProposal(commands=PROPOSED)), actor=AGENT)


def test_what_comes_out_as_proposed_is_accepted() -> None:
    accepted = accept(here(*proposal()), RENAME, ACCEPT)
    assert accepted == [TaskRenamed(Change("Buy milk", "Oat milk")), ACCEPTED]


@pytest.mark.parametrize(
    ("past", "commands"),
    [(PRIORITISED, [renamed("Oat milk", 2)]), (here(*proposal()), [renamed("Water")]), (here(*proposal()), [])],
    ids=["its task changed", "another title", "no command"],
)
def test_what_comes_out_otherwise_is_refused(past: EventHistory, commands: list[CommandOn]) -> None:
    with pytest.raises(ProposalOutdated):
        accept(past, *commands, ACCEPT)


def test_other_fields_may_change_with_a_rebase() -> None:
    accepted = accept(PRIORITISED, renamed("Oat milk", 2), CommandOn(PROPOSAL, AcceptProposal(rebase=True)))
    assert accepted[1:] == [ACCEPTED]


def test_a_proposal_is_declined_once() -> None:
    decline = DeclineProposal(reason="Too early")
    made().when(decline, actor=BOB).then(DECLINED)
    made(DECLINED).when(decline, actor=BOB).then_nothing()
    made(ACCEPTED).when(decline, actor=BOB).then_refused(ProposalClosed, status="accepted")


@pytest.mark.parametrize("closed", [ACCEPTED, DECLINED])
def test_a_closed_proposal_is_not_accepted(closed: Event) -> None:
    made(closed).when(AcceptProposal(), actor=BOB).then_refused(ProposalClosed)


@pytest.mark.parametrize("command", [AcceptProposal(), DeclineProposal()])
def test_viewers_and_strangers_decide_nothing(command: AcceptProposal | DeclineProposal) -> None:
    made().when(command, actor=CAT).then_refused(Forbidden, needed="member")
    made().when(command, actor=Actor(PROPOSAL)).then_refused(NotFound)
    given(workspace()).when(command).then_refused(NotFound)


@pytest.mark.slow
def test_what_is_proposed_is_what_is_written() -> None:
    proposal_laws.what_is_proposed_is_what_is_written()


@pytest.mark.slow
def test_what_changed_since_is_not_overwritten() -> None:
    proposal_laws.what_changed_since_is_not_overwritten()


@pytest.mark.slow
def test_a_proposal_that_is_written_at_once_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Decision, "restore_states", lambda *_: None)
    assert_check_fails(proposal_laws.what_is_proposed_is_what_is_written)


@pytest.mark.slow
def test_ids_that_differ_when_it_is_accepted_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    decide = AcceptProposal.decide

    def other_ids(command: AcceptProposal, state: Any, context: Any) -> Iterator[Any]:
        context.new_events = [(PROPOSAL, event) for _, event in context.new_events]
        return decide(command, state, context)

    monkeypatch.setattr(AcceptProposal, "decide", other_ids)
    assert_check_fails(proposal_laws.what_is_proposed_is_what_is_written)


@pytest.mark.slow
def test_a_proposal_that_forgets_what_it_saw_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    decide = MakeProposal.decide

    def blind(command: MakeProposal, state: Any, context: Any) -> Iterator[Any]:
        for event in decide(command, state, context):
            yield replace(event, seen=()) if isinstance(event, ProposalMade) else event

    monkeypatch.setattr(MakeProposal, "decide", blind)
    assert_check_fails(proposal_laws.what_changed_since_is_not_overwritten)
