"""Operations over HTTP: the progress and outcome of rebuild jobs and of large bulk changes."""

from typing import Any
from uuid import UUID

import msgspec
from msgspec.structs import replace

from api.bulk_results import bulk_result
from api.function_endpoint import get
from api.http.conditional_response import conditional_response
from api.http.response import Response
from api.ledger import AuthedRequest, Ledger
from commands.command import require_found
from infra.rebuilding.jobs import Job
from projections import pagination


@get("/operations/{operation}")
async def show_operation(operation: UUID, request: AuthedRequest, ledger: Ledger) -> Response[Job]:
    """Show the progress, the rate and the outcome of a long-running operation.

    Administrators of the installation see every one, other users the bulk changes that they asked for. The outcome of a
    bulk change is what fewer tasks are answered with at once.
    """
    change = await ledger.bulk_store.find_summary(operation)
    if change is None or change.asked_by != request.user.user_id:
        await ledger.require_operator(request)
    job = await ledger.projection_admin.find_job(operation)
    if change and job.state == "done":
        change = require_found(await ledger.bulk_store.find_summary(operation))  # as it is at its end
        result = bulk_result(request, change.id, change.selected, change.progress)
        job = replace(job, outcome=_as_members(result))
    return conditional_response(request, pagination.encode_answer(job), await ledger.log.head())


def _as_members(result: object) -> dict[str, Any]:
    members: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(result))
    return members
