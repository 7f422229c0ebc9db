"""Projections over HTTP, for administrators of the installation: their statuses, and rebuilds."""

from typing import Annotated

from msgspec import Meta, Struct

from api.function_endpoint import get, post
from api.http.conditional_response import LOCATION_HEADER, conditional_response
from api.http.response import Response
from api.ledger import BASE_PATH, AuthedRequest, Ledger
from commands.access import RecordRebuild
from domain.errors import NotFound
from infra.rebuilding.jobs import Job, JobOptions
from infra.rebuilding.projection_status import ProjectionStatus
from projections import pagination
from projections.pagination import Page
from projections.projection import all_projections

ProjectionName = Annotated[str, Meta(description="The name of a projection.", examples=["task_list"])]


class RebuildRequest(Struct, frozen=True, forbid_unknown_fields=True):
    expect_changes: Annotated[bool, Meta(description="Switch even if rows differ from the live ones.")] = False


@get("/projections", guard=Ledger.require_operator)
async def list_projections(request: AuthedRequest, ledger: Ledger) -> Response[Page[ProjectionStatus]]:
    """List the projections: position, lag, and number of parked documents of each."""
    statuses = await ledger.projection_admin.statuses()
    return conditional_response(
        request, pagination.encode_answer({"items": statuses, "next_cursor": None}), max(one.head for one in statuses)
    )


@post("/projections/{name}/rebuild", status_code=202, response_headers=[LOCATION_HEADER], guard=Ledger.require_operator)
async def rebuild_projection(
    name: ProjectionName, data: RebuildRequest, request: AuthedRequest, ledger: Ledger
) -> Response[Job]:
    """Rebuild a projection from the log. If rows differ from the live ones, it switches only with `expect_changes`."""
    if name not in all_projections():
        raise NotFound
    options = JobOptions(expect_changes=data.expect_changes)
    asked = RecordRebuild(projection=name, expect_changes=data.expect_changes)
    await ledger.access_log.record(request.user, asked)
    job = await ledger.projection_admin.enqueue_rebuild(all_projections()[name], options, request.user.user_id)
    headers = {"Location": f"{BASE_PATH}/operations/{job.id}"}
    return Response(job, status_code=202, headers=headers)
