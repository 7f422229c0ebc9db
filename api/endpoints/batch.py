"""Commands over HTTP: a batch of them, carried out atomically or each on its own."""

import asyncio
from typing import Any, Final

import msgspec
from litestar.datastructures import ResponseHeader
from litestar.openapi.datastructures import ResponseSpec
from msgspec.structs import asdict, replace

from api import proposals
from api.endpoints import batch_items
from api.endpoints.batch_items import Batch, BatchItem
from api.function_endpoint import post
from api.http import idempotency, preconditions, problems
from api.http.command_mode import command_mode
from api.http.command_results import BatchResult, IndependentResult, IndependentResults
from api.http.conditional_response import command_headers
from api.http.problems import MalformedRequest
from api.http.response import Response
from api.ledger import BASE_PATH, AuthedRequest, Ledger, command_request
from api.proposals import ProposedBatch
from commands.handling.command_on import CommandOn
from commands.handling.idempotency import IdempotencyKey
from commands.handling.outcome import Committed, Outcome
from commands.validation import FieldError, describe
from domain.errors import KeyReused, NothingProposed, Refusal, TooBusy, TwinInFlight, VersionConflict

_LOCATION_HEADER: Final = ResponseHeader(
    name="Location", documentation_only=True, description="The address of the proposal; only with 202."
)
MAX_CONCURRENT_COMMANDS = 10
"""Commands of one independent batch that run at the same time; the rest leaves room for other requests."""


@post(
    "/commands",
    status_code=200,
    response_headers=[_LOCATION_HEADER],
    responses={
        202: ResponseSpec(ProposedBatch, description="Proposed, not carried out", generate_examples=False),
        207: ResponseSpec(IndependentResults, description="One result per command", generate_examples=False),
    },
)
async def carry_out(data: Batch, request: AuthedRequest, ledger: Ledger) -> Response[BatchResult]:
    """Execute up to a hundred commands, `atomic` (one answer for all) or `independent` (one for each, 207).

    Independent commands run concurrently, but a command that names the target of an earlier one waits for it. In a
    dry run nothing is written to wait for: each command is answered against the current state.

    With a token of the scope `propose`, an atomic batch is tried and becomes a proposal (202), for members to accept.
    """
    if preconditions.has_if_match(request):
        raise MalformedRequest("invalid_if_match", "In a batch, send an expected_version with each command instead.")
    key = await idempotency.idempotency_key(request)
    batch_items.check_keys(data.commands, key)
    if data.mode == "independent" and _is_proposed(request):
        errors = [FieldError("#/mode", "invalid_value", "must be atomic: a proposal is accepted as a whole")]
        raise MalformedRequest("invalid_body", describe(errors), errors=errors)
    if data.mode == "atomic":
        batch_items.check_keys_all_or_none(data.commands, key)
        return await _run_atomic(ledger, request, data.commands, key)
    if command_mode(request).is_dry_run:
        return await _run_independent(ledger, request, data.commands, None)
    with ledger.command_handler.lock_keys(request.user, [key.text + idempotency.WHOLE_BATCH_SUFFIX] if key else []):
        return await _run_independent(ledger, request, data.commands, key)


async def _run_atomic(
    ledger: Ledger, request: AuthedRequest, items: list[BatchItem], key: IdempotencyKey | None
) -> Response[Any]:
    as_sent, items = items, await batch_items.with_project_ids(ledger, request, items)
    decoded = batch_items.decode_items(items)
    commands = [
        await batch_items.resolve_target(ledger, request, item, wanted, place)
        for place, (item, wanted) in enumerate(zip(items, decoded, strict=True))
    ]
    keys = [own for own in batch_items.item_keys(as_sent, await request.body()) if own]
    keys = [key, *keys] if key else keys
    try:
        if _is_proposed(request):
            return await _proposed(ledger, request, await proposals.make_proposal(ledger, request, commands, keys))
        outcome = await ledger.handle(command_request(request, commands, keys))
    except (KeyReused, NothingProposed, TwinInFlight, TooBusy):
        raise
    except Refusal as refusal:
        index = refusal.command_index
        raise await _explain_refusal(ledger, request, commands[index], index, refusal) from refusal
    replayed = isinstance(outcome, Committed) and outcome.is_replay
    return _batch_response(BatchResult.from_outcome(outcome), 200, replayed=replayed)


def _is_proposed(request: AuthedRequest) -> bool:
    """Whether the caller may only propose commands, and does."""
    return request.auth.scope == "propose" and not command_mode(request).is_dry_run


async def _proposed(ledger: Ledger, request: AuthedRequest, committed: Committed) -> Response[Any]:
    id_ = committed.results[0].id
    shown = await proposals.show_one(ledger, await proposals.load_history(ledger, request, id_))
    content = ProposedBatch(**asdict(shown), results=(), position=committed.position)
    headers = command_headers(committed.position, replayed=committed.is_replay)
    return Response(content, status_code=202, headers={**headers, "Location": f"{BASE_PATH}/proposals/{id_}"})


async def _run_independent(
    ledger: Ledger, request: AuthedRequest, items: list[BatchItem], key: IdempotencyKey | None
) -> Response[Any]:
    """Concurrently, except that a command waits for earlier ones whose target it names."""
    if key:
        await ledger.commit(command_request(request, [], [key]))  # first: bind the key to these commands
    keys = batch_items.item_keys(items, await request.body())
    items = await batch_items.resolve_task_keys(ledger, request, items)
    semaphore = asyncio.Semaphore(MAX_CONCURRENT_COMMANDS)
    last_task_by_name: dict[str, asyncio.Task[IndependentResult]] = {}
    running, is_dry_run = [], command_mode(request).is_dry_run
    for place, item in enumerate(items):
        predecessors = (
            []
            if is_dry_run
            else [last_task_by_name[name] for name in item.referenced_names() if name and name in last_task_by_name]
        )
        own_key = keys[place]
        item_key = replace(own_key, command_index=0) if own_key else key and idempotency.batch_item_key(key, place)
        task = asyncio.create_task(_run_item(ledger, request, item, place, item_key, predecessors, semaphore))
        running.append(task)
        if item.target_name():
            last_task_by_name[item.target_name()] = task
    results = list(await asyncio.gather(*running))
    position = max((one.position or 0 for one in results), default=0) or await ledger.log.head()
    return _batch_response(IndependentResults(results, position), 207, replayed=all(one.replayed for one in results))


async def _run_item(
    ledger: Ledger,
    request: AuthedRequest,
    item: BatchItem,
    index: int,
    key: IdempotencyKey | None,
    predecessors: list[asyncio.Task[IndependentResult]],
    semaphore: asyncio.Semaphore,
) -> IndependentResult:
    if predecessors:
        await asyncio.wait(predecessors)
    async with semaphore:
        try:
            item = await batch_items.with_project_id(ledger, request, item, index)
            wanted = batch_items.decode_item(item, index)
            command_on = await batch_items.resolve_target(ledger, request, item, wanted, index)
            try:
                outcome = await ledger.handle(command_request(request, [command_on], [key] if key else []))
                return _item_result(command_on, outcome)
            except Refusal as refusal:
                raise await _explain_refusal(ledger, request, command_on, index, refusal) from refusal
        except Exception as error:  # noqa: BLE001 - it is the answer to this item alone
            answer = problems.error_response(request, error)
            return IndependentResult(answer.status_code or 500, problem=msgspec.Raw(answer.content))


async def _explain_refusal(
    ledger: Ledger, request: AuthedRequest, command_on: CommandOn, index: int, refusal: Refusal
) -> Refusal:
    """The refusal of a command as its client sees it, with the pointer of the command, or of the refused member."""
    pointer = f"#/commands/{index}" + (f"/data{refusal.pointer[1:]}" if refusal.pointer else "")
    if isinstance(refusal, VersionConflict):
        refusal = await ledger.conflict(request, command_on.target, refusal)
    refusal.pointer = pointer
    return refusal


def _item_result(command_on: CommandOn, outcome: Outcome) -> IndependentResult:
    result = outcome.results[0]
    return IndependentResult(
        201 if command_on.command.creates and not outcome.is_dry_run else 200,
        result.id,
        result.version,
        result.key,
        result.next,
        outcome.position,
        isinstance(outcome, Committed) and outcome.is_replay,
        outcome.planned_events,
        result.warnings,
    )


def _batch_response(content: BatchResult | IndependentResults, status: int, *, replayed: bool) -> Response[Any]:
    headers = command_headers(content.position, replayed=replayed)
    return Response(content, status_code=status, headers=headers)
