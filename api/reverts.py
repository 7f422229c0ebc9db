"""Taking changes back on behalf of a caller: what they may see of them, and what becomes of the rest."""

from collections.abc import Sequence
from typing import Annotated, Any, Final
from uuid import UUID

from msgspec import Meta, Struct
from msgspec.structs import replace

from api.http import history_items, idempotency
from api.http.command_results import PlannedEvents
from api.http.conditional_response import command_headers
from api.http.custom_field_names import load_field_names
from api.http.history_items import ActorInfo
from api.http.response import Response
from api.ledger import AuthedRequest, Ledger, command_request
from commands.handling.command_on import CommandOn
from commands.handling.outcome import Committed, Outcome
from commands.revert import RevertChange
from commands.revert.changed_stream import changed_streams, is_revertible
from commands.revert.report import SkippedFields
from domain import codec
from domain.access import ACCESS_EVENTS
from domain.errors import CrossesWorkspaces, NotFound, NotRevertible, RevertCollides, TooManyToRevert
from domain.event import RecordedEvent, Trace, changed_fields
from domain.history import BOOKKEEPING_EVENTS
from domain.proposal import ProposalAccepted, ProposalDeclined, ProposalMade
from domain.revert import ChangeReapplied, ChangeReverted, RevertPurpose
from infra.log.changes import MAX_EVENTS

MAX_STREAMS: Final = 1_000
"""What one command takes back is written together."""
MAX_LATER_EVENTS: Final = 50
"""The most later events in a refusal."""
_LEFT_ALONE: Final = BOOKKEEPING_EVENTS | {ProposalMade, ProposalAccepted, ProposalDeclined}
"""Events that no revert takes back, nor is refused for, if there is more: an accepted proposal stays one."""


class RevertOptions(Struct, frozen=True):
    """How a change is taken back, and why; the changes in it, if it is a work session, are `also` taken back."""

    purpose: RevertPurpose = "revert"
    is_dry_run: bool = False
    skips_collisions: bool = False
    preview: str | None = None
    also: tuple[UUID, ...] = ()


class RevertResult(Struct, frozen=True, omit_defaults=True):
    """What was taken back, and what was left as it is; without `reverted`, there was nothing to take back."""

    position: int
    command_id: Annotated[UUID | None, Meta(description="Of the command that took it back.")] = None
    reverted: Annotated[UUID | None, Meta(description="The change that was taken back.")] = None
    preview: Annotated[str | None, Meta(description="Only of a dry run: name it to take back just that.")] = None
    skipped: Annotated[tuple[SkippedFields, ...], Meta(description="Fields that were changed since.")] = ()
    events: PlannedEvents = None


class LaterEvent(Struct, frozen=True):
    """An event that changed again what would be restored."""

    stream: UUID
    version: int
    type: str
    actor: ActorInfo
    at: Any
    fields: list[str]


async def take_back(
    request: AuthedRequest, ledger: Ledger, change_id: UUID, events: Sequence[RecordedEvent], options: RevertOptions
) -> Response[RevertResult]:
    """Take back what the events of a change did.

    Raises NotFound, NotRevertible, CrossesWorkspaces, TooManyToRevert, RevertCollides, or what the commands raise
    that do the same.
    """
    workspace_id = await _require_visible(request, ledger, events)
    if any(type(one.event) in ACCESS_EVENTS for one in events):
        raise NotRevertible
    streams = {one.stream for one in events if type(one.event) not in _LEFT_ALONE}
    if not streams:
        raise NotRevertible
    marks = {one.stream for one in events if isinstance(one.event, ChangeReverted | ChangeReapplied)}
    if len(streams - marks) > MAX_STREAMS or len(events) > MAX_EVENTS:
        raise TooManyToRevert(most=MAX_STREAMS)
    histories = await ledger.log.load_streams(streams)
    positions = {one.position for one in events}
    left_out = [stream for stream in streams if not is_revertible(positions, histories[stream])]
    if options.skips_collisions and len(left_out) < len(streams):
        histories = {stream: history for stream, history in histories.items() if stream not in left_out}
    key = await idempotency.idempotency_key(request)
    wanted = command_request(request, [], [key] if key else [])
    command = RevertChange(
        command_id=wanted.command_id,
        change_id=change_id,
        workspace_id=workspace_id,
        also=options.also,
        changed=changed_streams(positions, histories),
        left_out=tuple(left_out),
        purpose=options.purpose,
        skips_collisions=options.skips_collisions,
        preview=options.preview,
    )
    wanted = replace(
        wanted,
        commands=[CommandOn(command.derive_target(request.user.user_id), command)],
        trace=Trace(wanted.trace.correlation_id, str(change_id)),
        is_dry_run=options.is_dry_run,
    )
    try:
        return revert_response(await ledger.handle(wanted))
    except RevertCollides as refusal:
        raise await _explained(ledger, refusal, positions) from refusal


def revert_response(outcome: Outcome) -> Response[RevertResult]:
    """The answer to a revert, or to an undo that finds nothing."""
    is_replayed = isinstance(outcome, Committed) and outcome.is_replay
    headers = command_headers(outcome.position, replayed=is_replayed)
    report = outcome.results[0].revert if outcome.results else None
    if report is None:
        return Response(RevertResult(outcome.position), status_code=200, headers=headers)
    if outcome.is_dry_run:
        result = RevertResult(
            outcome.position, None, report.reverted, report.preview, report.skipped, outcome.planned_events
        )
    else:
        result = RevertResult(outcome.position, report.command_id, report.reverted, None, report.skipped)
    return Response(result, status_code=200, headers=headers)


async def _require_visible(request: AuthedRequest, ledger: Ledger, events: Sequence[RecordedEvent]) -> UUID | None:
    """The workspace of a change, None for the caller's own things; raises NotFound or CrossesWorkspaces."""
    workspaces = {one.workspace_id for one in events}
    user_id = request.user.user_id
    for workspace_id in workspaces - {None}:
        await ledger.permissions.require_access(user_id, workspace_id)
    if not events or any(one.workspace_id is None and one.actor.user_id != user_id for one in events):
        raise NotFound
    if len(workspaces) > 1:
        raise CrossesWorkspaces
    return next(iter(workspaces))


async def _explained(ledger: Ledger, refusal: RevertCollides, positions: set[int]) -> RevertCollides:
    """The refusal with the later events that changed the same fields, newest first."""
    collisions: Sequence[SkippedFields] = refusal.params["collisions"]
    histories = await ledger.log.load_streams([one.stream for one in collisions])
    later = [each for one in collisions for each in _later_events(one, histories[one.stream], positions)]
    later = sorted(later, key=lambda one: one.position, reverse=True)[:MAX_LATER_EVENTS]
    names = await history_items.load_names(ledger.log, {one.actor for one in later})
    field_names = await load_field_names(ledger.log, (one.event for one in later))
    events = [
        LaterEvent(
            one.stream,
            one.version,
            codec.stored_name_of(one.event),
            history_items.actor_info(one.actor, names),
            one.at,
            list(history_items.field_changes(one, field_names)),
        )
        for one in later
    ]
    return RevertCollides(collisions=collisions, intervening_events=events)


def _later_events(
    collision: SkippedFields, history: Sequence[RecordedEvent], positions: set[int]
) -> list[RecordedEvent]:
    """The events since that changed a field that collides."""
    first = next(index for index, one in enumerate(history) if one.position in positions)
    later = [one for one in history[first:] if one.position not in positions]
    wanted = set(collision.fields)
    return [one for one in later if wanted & {name.split(".")[0] for name in changed_fields(one.event)}] or later
