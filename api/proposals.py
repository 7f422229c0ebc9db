"""Proposals: made of a batch instead of carrying it out, shown, and carried out when they are accepted."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta, Struct
from msgspec.structs import replace

from api.http import history_items
from api.http.command_mode import command_mode
from api.http.history_items import ActorInfo
from api.ledger import AuthedRequest, Ledger, command_request
from commands import permissions
from commands.command import all_commands, require_found
from commands.handling.command_on import CommandOn
from commands.handling.idempotency import IdempotencyKey
from commands.handling.outcome import Committed, Outcome
from commands.handling.results import CommandResult
from commands.proposal import AcceptProposal, MakeProposal
from domain.errors import (
    Forbidden,
    KeyReused,
    NotProposable,
    ProposalClosed,
    ProposalOutdated,
    Refusal,
    ScopeTooNarrow,
    TooBusy,
    TwinInFlight,
)
from domain.event import Actor, RecordedEvent, Trace
from domain.history import is_purged, subjects
from domain.planned_event import PlannedEvent
from domain.proposal import ProposalMade, ProposalStatus, ProposedCommand, SeenVersion
from infra.ids import new_id
from infra.log.history import find_purged
from projections import proposal_list
from projections.proposal_list import ProposalRow

_CALLERS_OWN = (Forbidden, ScopeTooNarrow, KeyReused, TwinInFlight, TooBusy)
"""Refusals of who accepts or of the moment, which say nothing about the proposal."""


class ProposalInfo(Struct, frozen=True):
    """What an agent proposed: its commands, and the events that they would have written.

    Without either, something that it was about was purged since. Its id is that of the change that its acceptance
    makes.
    """

    id: UUID
    workspace_id: UUID
    version: int
    status: ProposalStatus
    proposed_at: datetime
    proposed_by: ActorInfo
    commands: tuple[ProposedCommand, ...]
    events: tuple[PlannedEvent, ...]
    seen: Annotated[
        tuple[SeenVersion, ...],
        Meta(description="What the commands are about, with the versions that were looked at: of what is new, none."),
    ]
    decided_at: datetime | None
    decided_by: ActorInfo | None
    reason: str | None


class ProposedBatch(ProposalInfo, frozen=True):
    """What was proposed, in the place of the results of a batch: none, and a position that includes the proposal."""

    results: tuple[CommandResult, ...]
    position: int


async def make_proposal(
    ledger: Ledger, request: AuthedRequest, commands: Sequence[CommandOn], keys: Sequence[IdempotencyKey]
) -> Committed:
    """Try commands as a caller who may carry them out, and propose them. Raises NotProposable, or their refusals."""
    for index, one in enumerate(commands):
        if _is_personal(one):
            refusal = NotProposable()
            refusal.command_index = index
            raise refusal
    proposed = tuple(
        ProposedCommand(type(one.command).__name__, one.target, msgspec.to_builtins(one.command)) for one in commands
    )
    making = MakeProposal(commands=proposed, rebase=command_mode(request).rebase)
    wanted = command_request(request, commands, [replace(key, command_index=None) for key in keys])
    id_ = new_id()
    return await ledger.commit(replace(wanted, scope="write", proposal=CommandOn(id_, making), decided_as=id_))


async def accept(
    ledger: Ledger, request: AuthedRequest, history: Sequence[RecordedEvent], key: IdempotencyKey | None
) -> Outcome:
    """Carry out the commands of a proposal, as who proposed them, on behalf of the caller.

    Raises ProposalClosed, ProposalOutdated, or what the caller lacks to do the same.
    """
    made = history[0]
    proposal = _content(made)
    rebase = proposal.rebase or command_mode(request).rebase
    accepting = CommandOn(made.stream, AcceptProposal(rebase=rebase))
    wanted = replace(
        command_request(request, [*map(_command_on, proposal.commands), accepting], [key] if key else []),
        actor=_on_behalf_of(made.actor, request.user.user_id),
        decided_as=made.stream,
        trace=Trace(made.trace.correlation_id, str(made.stream)),
        can_rebase=rebase,
    )
    try:
        return await ledger.handle(wanted)
    except (*_CALLERS_OWN, ProposalClosed):
        raise
    except Refusal as refusal:
        row = _row(await ledger.log.load_stream(made.stream))
        if row.status != "pending":
            raise ProposalClosed(status=row.status) from refusal
        if isinstance(refusal, ProposalOutdated):
            raise
        detail = f"{ProposalOutdated.title()} Command {refusal.command_index + 1} of it is refused: {refusal}"
        raise ProposalOutdated(detail, command=refusal.command_index, cause=refusal.code()) from refusal


async def load_history(ledger: Ledger, request: AuthedRequest, proposal: UUID) -> Sequence[RecordedEvent]:
    """The events of a proposal, for those who may see it; raises NotFound."""
    history = await ledger.log.load_stream(proposal)
    made = require_found(next((one.event for one in history if isinstance(one.event, ProposalMade)), None))
    await ledger.permissions.require_access(request.user.user_id, made.workspace_id)
    return history


async def show_one(ledger: Ledger, history: Sequence[RecordedEvent]) -> ProposalInfo:
    """A proposal, from its events."""
    (shown,) = await show(ledger, [_row(history)], history[:1])
    return shown


async def show(ledger: Ledger, rows: Sequence[ProposalRow], events: Sequence[RecordedEvent]) -> list[ProposalInfo]:
    """Proposals from their rows and the events that made them, both in the same order."""
    decided_by = [row.decided_by for row in rows if row.decided_by]
    names = await history_items.load_names(ledger.log, {*(one.actor for one in events), *map(Actor, decided_by)})
    purged = await find_purged(ledger.log, {stream for one in events for stream in subjects(one)})
    return [
        ProposalInfo(
            row.id,
            row.workspace_id,
            row.version,
            row.status,
            made.at,
            history_items.actor_info(made.actor, names),
            () if is_purged(made, purged) else _content(made).commands,
            () if is_purged(made, purged) else _content(made).events,
            _content(made).seen,
            row.decided_at,
            history_items.actor_info(Actor(row.decided_by), names) if row.decided_by else None,
            row.reason,
        )
        for row, made in zip(rows, events, strict=False)
    ]


def _content(made: RecordedEvent) -> ProposalMade:
    if not isinstance(made.event, ProposalMade):
        raise TypeError(made.event)
    return made.event


def _row(history: Sequence[RecordedEvent]) -> ProposalRow:
    row = None
    for one in history:
        row = proposal_list.fold(one.stream, row, one)
    return require_found(row)


def _command_on(proposed: ProposedCommand) -> CommandOn:
    return CommandOn(proposed.target, msgspec.convert(proposed.data, all_commands()[proposed.type]))


def _on_behalf_of(proposer: Actor, user: UUID) -> Actor:
    return proposer if proposer.principal_id == user else replace(proposer, on_behalf_of=user)


def _is_personal(one: CommandOn) -> bool:
    """Whether it is about what a user has alone, or needs no membership."""
    role = permissions.REQUIRED_PERMISSIONS[type(one.command).__name__].role
    is_own = one.command.may_create and one.command.derive_target(UUID(int=0)) != one.target
    return role is None or is_own
