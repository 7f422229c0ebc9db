"""Pages of tasks: of one project, or of all workspaces of the caller."""

from typing import Any

from api.http.response import Response
from api.ledger import AuthedRequest, Ledger
from infra import clock
from projections import task_page
from projections.field_sql import FilterContext
from projections.task_page import TaskPageOptions
from projections.task_page_sql import TaskScope, workspaces_scope


async def list_across_workspaces(
    request: AuthedRequest,
    ledger: Ledger,
    query: TaskPageOptions,
    min_position: int | None,
    expanded_members: tuple[str, ...] = (),
) -> Response[Any]:
    """Answer with a page of the tasks of all workspaces that the caller is a member of."""
    workspaces = await ledger.workspaces_of_caller(request, min_position)
    scope = workspaces_scope(workspaces, request.user.user_id)
    return await read_task_page(request, ledger, scope, query, min_position, expanded_members)


async def read_task_page(
    request: AuthedRequest,
    ledger: Ledger,
    scope: TaskScope,
    query: TaskPageOptions,
    min_position: int | None,
    expanded_members: tuple[str, ...] = (),
) -> Response[Any]:
    """Answer with a page of the tasks in a scope."""
    question = task_page.page(scope, query, context_of(request))
    return await ledger.read(request, question, min_position, expanded_members)


def context_of(request: AuthedRequest) -> FilterContext:
    """The user, and the time in whole minutes: an answer that depends on the time is cached for its minute."""
    return FilterContext(request.user.user_id, clock.now().replace(second=0, microsecond=0))
