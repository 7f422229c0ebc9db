"""Bulk changes of tasks over HTTP."""

from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
from litestar.datastructures import ResponseHeader
from litestar.openapi.datastructures import ResponseSpec
from msgspec import Meta, Struct
from psycopg.errors import UniqueViolation

from api.bulk_results import BulkResult, bulk_result
from api.bulk_selection import select_matching, select_named
from api.endpoints.bulk_request import BulkRequest, decode_command
from api.function_endpoint import post
from api.http import idempotency, preconditions, tracing
from api.http.conditional_response import command_headers
from api.http.deadline import current_deadline
from api.http.parameters import MinPosition
from api.http.problems import MalformedRequest
from api.http.response import Response
from api.ledger import BASE_PATH, AuthedRequest, Ledger, command_request
from commands.command import Command
from domain.errors import TwinInFlight
from infra.bulk.bulk_change import BulkChange, BulkProgress
from infra.bulk.bulk_store import BulkSummary
from infra.ids import new_id
from infra.rebuilding.jobs import Job

MAX_DIRECT_TASKS: Final = 1_000
"""More are changed by a worker, in an operation."""
_LOCATION_HEADER: Final = ResponseHeader(
    name="Location", description="With 202, the address of the operation.", documentation_only=True
)
_DRY_RUN_DESCRIPTION: Final = (
    "Answer with how many tasks would be changed and which would be refused, and write nothing. "
    "An Idempotency-Key is ignored."
)


class BulkQuery(Struct, frozen=True):
    """How to carry out a bulk change."""

    dry_run: Annotated[bool, Meta(description=_DRY_RUN_DESCRIPTION)] = False
    min_position: MinPosition = None


@post(
    "/tasks/bulk",
    status_code=200,
    responses={202: ResponseSpec(Job, description="An operation that a worker carries out", generate_examples=False)},
    response_headers=[_LOCATION_HEADER],
)
async def change_tasks(
    data: BulkRequest, request: AuthedRequest, ledger: Ledger, query: BulkQuery
) -> Response[BulkResult]:
    """Carry out one command on each task that matches a filter, or that is named; no refusal of one stops another.

    More than 1,000 tasks, up to 100,000, are changed by an operation (202): `GET /operations/{id}` shows its progress.
    A change that has begun is carried out to its end, even if a process dies. The tasks are selected once, before the
    first is changed. Versions are not compared. A dry run tries the first 1,000, and each fifty by themselves.
    """
    if preconditions.has_if_match(request):
        raise MalformedRequest("invalid_if_match", "Tasks have different versions: a bulk change names none.")
    wanted = await decode_command(ledger, request, data)
    if query.dry_run:
        return await _dry_run(ledger, request, await _select(ledger, request, data, wanted, query.min_position))
    key = await idempotency.idempotency_key(request)
    with ledger.command_handler.lock_keys(request.user, [key.text + idempotency.WHOLE_BATCH_SUFFIX] if key else []):
        if key:
            await ledger.commit(command_request(request, [], [key]))  # bind the key to this request
            if stored := await ledger.bulk_store.find_by_key(request.user.id, key.text):
                return await _continue(ledger, request, stored)
        change, progress = await _select(ledger, request, data, wanted, query.min_position)
        selected = change.total + progress.refused_count
        is_queued = selected > MAX_DIRECT_TASKS
        try:
            await ledger.bulk_store.add(change, progress, key.text if key else None, is_queued=is_queued)
        except UniqueViolation:  # another process was faster
            raise TwinInFlight from None
        if is_queued:
            return await _queued(ledger, change.id)
        return await _run(ledger, request, (change, progress), selected)


async def _select(
    ledger: Ledger, request: AuthedRequest, data: BulkRequest, wanted: Command[Any], min_position: int | None
) -> tuple[BulkChange, BulkProgress]:
    if data.ids is None:
        groups, progress = await select_matching(request, ledger, data.filter or "", min_position), BulkProgress()
    else:
        groups, progress = await select_named(request, ledger, data.ids, min_position)
    current_deadline().restart()
    correlation_id = tracing.command_trace(request).correlation_id
    return BulkChange(new_id(), wanted, groups, request.user, request.auth.scope, correlation_id), progress


async def _dry_run(ledger: Ledger, request: AuthedRequest, selected: tuple[BulkChange, BulkProgress]) -> Response[Any]:
    change, progress = selected
    selected_count = change.total + progress.refused_count
    tried = msgspec.structs.replace(change, groups=change.groups.first(MAX_DIRECT_TASKS))
    progress = await ledger.bulk_runner.dry_run(tried, progress, _restart_deadline)
    return await _response(ledger, bulk_result(request, None, selected_count, progress))


async def _continue(ledger: Ledger, request: AuthedRequest, stored: BulkSummary) -> Response[Any]:
    """The answer to a request that was sent before: as then, or once what is left of it is done."""
    if stored.selected > MAX_DIRECT_TASKS or stored.state == "failed":
        return await _queued(ledger, stored.id, replayed=True)
    if stored.state == "done":
        result = bulk_result(request, stored.id, stored.selected, stored.progress)
        return await _response(ledger, result, replayed=True)
    claimed = await ledger.bulk_store.claim(stored.id)
    found = await ledger.bulk_store.find(stored.id) if claimed else None
    if found is None:
        raise TwinInFlight
    return await _run(ledger, request, found, stored.selected)


async def _run(
    ledger: Ledger, request: AuthedRequest, begun: tuple[BulkChange, BulkProgress], selected: int
) -> Response[Any]:
    change, progress = begun
    current_deadline().is_outcome_unknown = True
    progress = await ledger.bulk_runner.carry_out(change, progress, _restart_deadline)
    if progress.changed:
        ledger.hints.hint(progress.position)
    return await _response(ledger, bulk_result(request, change.id, selected, progress))


async def _queued(ledger: Ledger, operation: UUID, *, replayed: bool = False) -> Response[Any]:
    headers = command_headers(await ledger.log.head(), replayed=replayed)
    headers["Location"] = f"{BASE_PATH}/operations/{operation}"
    return Response(await ledger.projection_admin.find_job(operation), status_code=202, headers=headers)


async def _response(ledger: Ledger, result: BulkResult, *, replayed: bool = False) -> Response[Any]:
    position = result.position or await ledger.log.head()
    content = msgspec.structs.replace(result, position=position)
    return Response(content, status_code=200, headers=command_headers(position, replayed=replayed))


def _restart_deadline(_: BulkProgress) -> None:
    """Each group has the time of a request."""
    current_deadline().restart()
