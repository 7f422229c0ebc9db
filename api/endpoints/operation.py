"""Operations over HTTP: the progress and outcome of rebuild jobs."""

from uuid import UUID

from api.function_endpoint import get
from api.http.conditional_response import conditional_response
from api.http.response import Response
from api.ledger import AuthedRequest, Ledger
from infra.rebuilding.jobs import Job
from projections import pagination


@get("/operations/{operation}", guard=Ledger.require_operator)
async def show_operation(operation: UUID, request: AuthedRequest, ledger: Ledger) -> Response[Job]:
    """Show the progress, the rate and the outcome of a long-running operation."""
    job = await ledger.projection_admin.find_job(operation)
    return conditional_response(request, pagination.encode_answer(job), await ledger.log.head())
