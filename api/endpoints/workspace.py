"""Workspaces over HTTP."""

from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from api.command_endpoint import command
from api.function_endpoint import get
from api.http.conditional_response import conditional_response
from api.http.parameters import PageQuery
from api.http.response import Response
from api.ledger import AuthedRequest, Ledger
from api.question_endpoint import question
from commands.trash import RestoreWorkspace, TrashWorkspace
from commands.workspace import CreateWorkspace, EditWorkspace
from infra.reading.reader import ReadResult
from projections import pagination, workspace_list
from projections.pagination import MIN_TIME_SORT_KEY, Page, TimeSortKey
from projections.workspace_list import WorkspaceRow


class WorkspacesQuery(PageQuery, frozen=True):
    """The parameters of the list of workspaces."""

    state: Annotated[
        Literal["trashed"] | None, Meta(description="`trashed`: the workspaces in the trash that you own.")
    ] = None


create_workspace = command("POST", "/workspaces", CreateWorkspace, "Create a workspace and become its owner.")
edit_workspace = command(
    "PATCH", "/workspaces/{workspace}", EditWorkspace, "Rename a workspace; send the version you last read."
)
trash_workspace = command(
    "DELETE",
    "/workspaces/{workspace}",
    TrashWorkspace,
    """Move a workspace and everything in it to the trash; send the version you last read. Only an owner can.

    Its members no longer see it, until an owner restores it; after the days of the trash it is permanently deleted.
    """,
)
restore_workspace = command(
    "POST",
    "/workspaces/{workspace}/restore",
    RestoreWorkspace,
    "Restore a workspace from the trash. Only an owner can.",
)
show_workspace = question(
    "/workspaces/{workspace}",
    workspace_list.by_id,
    WorkspaceRow,
    "Show one workspace, with its members and their roles.",
)


@get("/workspaces")
async def list_workspaces(
    request: AuthedRequest, ledger: Ledger, query: WorkspacesQuery
) -> Response[Page[WorkspaceRow]]:
    """List the workspaces that you are a member of, oldest first; or those in the trash that you own."""
    is_trashed = query.state is not None
    list_id = workspace_list.user_list_id(request.user.user_id, trashed=is_trashed)
    after = pagination.PageCursor.parse(query.cursor, list_id, TimeSortKey) or MIN_TIME_SORT_KEY
    rows, reads = await _fetch_visible(
        request, ledger, (after, query.limit + 1), query.min_position, is_trashed=is_trashed
    )
    age = max((one.age_s for one in reads if one.age_s is not None), default=None)
    answer = pagination.paginate(rows, query.limit, list_id, workspace_list.sort_key)
    return conditional_response(request, answer, min(one.position for one in reads), age)


async def _fetch_visible(
    request: AuthedRequest,
    ledger: Ledger,
    part: tuple[TimeSortKey, int],
    min_position: int | None,
    *,
    is_trashed: bool,
) -> tuple[list[WorkspaceRow], list[ReadResult]]:
    """As many workspaces as `part` says after its cursor position, and the reads that they came from.

    Workspaces that the caller was just removed from are replaced by later ones, so that no gap reveals them.
    """
    person, rows, reads = request.user.user_id, list[WorkspaceRow](), list[ReadResult]()
    after, limit = part
    while True:
        asked = workspace_list.page(person, after, limit, trashed=is_trashed)
        reads.append(await ledger.fetch(request, asked, min_position))
        answer = reads[-1].answer
        page_rows = msgspec.json.decode(answer.body, type=Page[WorkspaceRow]).items if answer else []
        rows += page_rows
        visible_ids = await _visible_ids(ledger, person, [row.id for row in rows], is_trashed=is_trashed)
        shown = [row for row in rows if row.id in visible_ids]
        if len(shown) >= limit or len(page_rows) < limit:
            return shown, reads
        after = workspace_list.sort_key(rows[-1])


async def _visible_ids(ledger: Ledger, user: UUID, ids: list[UUID], *, is_trashed: bool) -> set[UUID]:
    if is_trashed:
        return await ledger.permissions.owned_in_trash(user, ids)
    return {workspace for _, workspace in await ledger.permissions.memberships(user, ids)}
