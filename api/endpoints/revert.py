"""Reverts over HTTP: take changes back, undo and redo."""

from typing import Annotated, Any, Final, Literal
from uuid import UUID

from msgspec import Meta, Struct

from api.function_endpoint import post
from api.http import idempotency, preconditions
from api.http.problems import MalformedRequest
from api.http.response import Response
from api.ledger import AuthedRequest, Ledger, command_request
from api.reverts import RevertOptions, RevertResult, revert_response, take_back
from commands.handling.outcome import Committed
from commands.revert import RevertChange
from domain.errors import AlreadyReverted, CrossesWorkspaces, NotFound, NotRevertible, TooManyToRevert
from domain.revert import Revert, revert_stream_id
from infra.log.changes import ActorChange

_DRY_RUN_DESCRIPTION: Final = (
    "Answer with the events that would be written and the id of this preview, and write nothing. "
    "An Idempotency-Key is ignored."
)
_CONFLICT_DESCRIPTION: Final = "`skip`: leave the fields that were changed since as they are, and restore the others."


class RevertQuery(Struct, frozen=True):
    """How to take a change back."""

    dry_run: Annotated[bool, Meta(description=_DRY_RUN_DESCRIPTION)] = False
    on_conflict: Annotated[
        Annotated[Literal["skip"], Meta(extra_json_schema={"type": "string"})] | None,
        Meta(description=_CONFLICT_DESCRIPTION),
    ] = None


class RevertRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """What the caller saw before."""

    preview: Annotated[str | None, Meta(description="The id of a dry run: nothing may have changed since.")] = None


@post("/changes/{change}/revert", status_code=200)
async def revert_change(
    change: UUID, data: RevertRequest, request: AuthedRequest, ledger: Ledger, query: RevertQuery
) -> Response[RevertResult]:
    """Take a change back: a command, an atomic batch or a bulk change, by its `command_id`.

    Each field gets the value that it had before, by new events; a created task goes to the trash. A field that was
    changed since collides: then nothing is written, unless you skip such fields. Your permissions of today count, as
    for the commands that do the same. A revert can be taken back too. Not taken back are purges, attachments, and what
    concerns accounts, members, invitations, tokens, workspaces and the installation.
    """
    options = revert_options(request, ledger, query, data.preview)
    return await take_back(request, ledger, change, await ledger.changes.load(change), options)


@post("/undo", status_code=200)
async def undo(request: AuthedRequest, ledger: Ledger, query: RevertQuery) -> Response[RevertResult]:
    """Take back your own latest change that is not taken back yet, whatever device or token made it.

    A batch and a bulk change are one. What cannot be taken back is passed over. Without any, nothing is changed.
    """
    options = revert_options(request, ledger, query, purpose="undo")
    async for change in ledger.changes.last_of(request.user.id):
        if change.purpose is None and not await _is_reverted(ledger, change):
            done = await _attempt(request, ledger, change, options)
            if done is not None:
                return done
    return await _nothing_left(request, ledger, query)


@post("/redo", status_code=200)
async def redo(request: AuthedRequest, ledger: Ledger, query: RevertQuery) -> Response[RevertResult]:
    """Bring back what you undid last; a change of yours since then leaves nothing to bring back."""
    options = revert_options(request, ledger, query, purpose="redo")
    async for change in ledger.changes.last_of(request.user.id):
        if change.purpose not in {"undo", "redo"}:
            break
        if change.purpose == "undo" and not await _is_reverted(ledger, change):
            done = await _attempt(request, ledger, change, options)
            if done is not None:
                return done
    return await _nothing_left(request, ledger, query)


def revert_options(
    request: AuthedRequest, ledger: Ledger, query: RevertQuery, preview: str | None = None, **purpose: Any
) -> RevertOptions:
    """Raises MalformedRequest or ScopeTooNarrow."""
    ledger.require_scope(request, RevertChange.__name__)
    if preconditions.has_if_match(request):
        raise MalformedRequest("invalid_if_match", "A revert names no version: it compares what it would restore.")
    return RevertOptions(
        is_dry_run=query.dry_run, skips_collisions=query.on_conflict == "skip", preview=preview, **purpose
    )


async def _is_reverted(ledger: Ledger, change: ActorChange) -> bool:
    state = await ledger.log.load_state(Revert, revert_stream_id(change.id))
    return state is not None and state.reverted


async def _attempt(
    request: AuthedRequest, ledger: Ledger, change: ActorChange, options: RevertOptions
) -> Response[RevertResult] | None:
    """The answer; None for a change that cannot be taken back, or that another request took back meanwhile."""
    try:
        return await take_back(request, ledger, change.id, await ledger.changes.load(change.id), options)
    except (AlreadyReverted, CrossesWorkspaces, NotFound, NotRevertible, TooManyToRevert):
        return None


async def _nothing_left(request: AuthedRequest, ledger: Ledger, query: RevertQuery) -> Response[RevertResult]:
    """An answer without a change, or that of the first time to a request that is repeated."""
    if query.dry_run:
        return revert_response(Committed((), await ledger.log.head()))
    key = await idempotency.idempotency_key(request)
    return revert_response(await ledger.commit(command_request(request, [], [key] if key else [])))
