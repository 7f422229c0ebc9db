"""Subtasks over HTTP."""

from uuid import UUID

from msgspec.structs import replace

from api.command_endpoint import command
from api.function_endpoint import get
from api.http.expansion import PartialTaskPage
from api.http.response import Response
from api.http.task_parameters import TaskSearch
from api.ledger import AuthedRequest, Ledger
from api.task_queries import read_task_page
from commands.command import require_found
from commands.subtask import SetParent
from domain.task import Task
from projections.task_page import TaskPage
from projections.task_page_sql import project_scope

set_parent = command(
    "POST",
    "/tasks/{task}/parent",
    SetParent,
    """Put a task below another one of its project, with everything below it; `null` puts it below none.

    422 `makes_a_cycle` if the parent is the task itself, or below it.
    """,
)


@get("/tasks/{task}/children")
async def list_children(
    task: UUID, request: AuthedRequest, ledger: Ledger, query: TaskSearch
) -> Response[TaskPage | PartialTaskPage]:
    """List the tasks directly below a task that match a filter, by rank by default.

    Those in the trash are left out, and archived ones unless the filter says `is:archived`.
    """
    parent = require_found(await ledger.log.load_state(Task, task))
    only_children = replace(query, filter=f"parent:{task} ({query.filter})" if query.filter else f"parent:{task}")
    return await read_task_page(request, ledger, project_scope(parent.project_id), only_children)
