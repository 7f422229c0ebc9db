"""Pages of tasks: of one project, or of all workspaces of the caller."""

from typing import Any

from api.http.response import Response
from api.ledger import AuthedRequest, Ledger
from api.named_users import find_named_users
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
    context = await filter_context(request, ledger, query.filter, min_position)
    question = task_page.page(scope, query, context)
    return await ledger.read(request, question, min_position, expanded_members)


async def filter_context(
    request: AuthedRequest, ledger: Ledger, filter_: str, min_position: int | None
) -> FilterContext:
    """What the filter refers to; the time in whole minutes: an answer that depends on it is cached for its minute."""
    now = clock.now().replace(second=0, microsecond=0)
    people = await find_named_users(request, ledger, filter_, min_position)
    return FilterContext(request.user.user_id, now, people=people)
