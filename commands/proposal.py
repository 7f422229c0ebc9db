"""Commands about proposals: make, accept and decline one."""

from collections.abc import Iterable, Iterator
from hashlib import sha256
from typing import Annotated, ClassVar, Final
from uuid import UUID

import msgspec
from msgspec import Meta

from commands.command import Command, DecisionContext, OtherStreamEvent, require_found
from commands.text_patterns import TEXT_PATTERN
from domain.agent import Agent, AgentIntroduced
from domain.errors import NothingProposed, NotProposable, ProposalClosed, ProposalOutdated
from domain.event import Event
from domain.history import BOOKKEEPING_EVENTS
from domain.planned_event import PlannedEvent
from domain.proposal import (
    Proposal,
    ProposalAccepted,
    ProposalDeclined,
    ProposalMade,
    ProposedCommand,
    SeenVersion,
)

_UNCOMPARED_FIELDS: Final = frozenset({"number", "key", "rank", "user_id"})
"""What comes out otherwise though nothing has changed: numbers and ranks given meanwhile, and who accepts."""
DeclineReason = Annotated[
    str, Meta(min_length=1, max_length=2_000, pattern=TEXT_PATTERN, examples=["Too early: the shop is closed."])
]


class ProposalCommand(Command[Proposal], frozen=True, kw_only=True):
    """A command on a proposal; the actor must be a member of its workspace."""

    state_type: ClassVar = Proposal
    is_batchable: ClassVar = False

    def resolve_workspace_id(self, state: Proposal | None, context: DecisionContext) -> UUID:
        return require_found(state).workspace_id


class MakeProposal(ProposalCommand, frozen=True, kw_only=True):
    """Propose commands that were tried, with the events that they would have written."""

    creates: ClassVar = True

    commands: tuple[ProposedCommand, ...]
    events: tuple[PlannedEvent, ...] = ()
    rebase: bool = False

    def resolve_workspace_id(self, state: Proposal | None, context: DecisionContext) -> UUID:
        if context.workspace_id is None:
            raise NotProposable
        return context.workspace_id

    def decide(self, state: Proposal | None, context: DecisionContext) -> Iterator[Event | OtherStreamEvent]:
        if not self.events:
            raise NothingProposed
        targets = dict.fromkeys(one.target for one in self.commands)
        seen = tuple(
            SeenVersion(target, context.seen_version(target)) for target in targets if context.seen_version(target)
        )
        workspace_id = require_found(context.workspace_id)
        yield ProposalMade(workspace_id, self.commands, self.events, seen, digest_of(self.events), self.rebase)
        if context.actor.kind == "agent" and context(Agent, context.actor.id) is None:
            yield OtherStreamEvent(context.actor.id, AgentIntroduced(context.actor.user_id))


class AcceptProposal(ProposalCommand, frozen=True, kw_only=True):
    """Accept a proposal, whose commands come before it in the same request: what they change must be as proposed.

    With `rebase`, others may have changed other fields of it.
    """

    rebase: bool = False

    def decide(self, state: Proposal | None, context: DecisionContext) -> Iterator[Event | OtherStreamEvent]:
        proposal = _require_pending(state)
        changed = [one.stream for one in proposal.seen if context.seen_version(one.stream) != one.version]
        events = [PlannedEvent.of(stream, event, 0) for stream, event in context.new_events if is_proposable(event)]
        if (changed and not self.rebase) or digest_of(events) != proposal.digest:
            raise ProposalOutdated(changed=changed)
        yield ProposalAccepted(context.actor.user_id)


class DeclineProposal(ProposalCommand, frozen=True, kw_only=True):
    """Decline a proposal: it can no longer be accepted."""

    reason: DeclineReason | None = None

    def decide(self, state: Proposal | None, context: DecisionContext) -> Iterator[Event | OtherStreamEvent]:
        if require_found(state).status == "declined":
            return
        _require_pending(state)
        yield ProposalDeclined(context.actor.user_id, self.reason)


def is_proposable(event: Event) -> bool:
    """Whether a proposal shows an event: one that a user causes, not one that guards a rule."""
    return type(event) not in BOOKKEEPING_EVENTS


def _require_pending(state: Proposal | None) -> Proposal:
    proposal = require_found(state)
    if proposal.status != "pending":
        raise ProposalClosed(status=proposal.status)
    return proposal


def digest_of(events: Iterable[PlannedEvent]) -> str:
    """The same for the same events: the user who accepts them, and numbers and ranks given meanwhile, do not matter."""
    compared = [
        (one.stream, one.type, {name: value for name, value in one.data.items() if name not in _UNCOMPARED_FIELDS})
        for one in events
    ]
    return sha256(msgspec.json.encode(compared, order="deterministic")).hexdigest()[:32]
