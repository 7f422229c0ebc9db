"""Tasks over HTTP."""

from api.http import history_items
from api.http.addressing import in_scope
from api.http.command_results import WriteResult
from api.http.endpoint import delete, get, patch, post
from api.http.expansion import ExpandedTask, ExpandParam, parse_expand
from api.http.parameters import CursorParam, LimitParam, MinPositionParam
from api.http.response import Response
from api.ledger import AuthedRequest, Ledger
from commands.label import LabelTask, UnlabelTask
from commands.task import AssignTask, CompleteTask, CreateTask, EditTask, MoveTask, ReopenTask, UnassignTask
from commands.trash import RestoreTask, TrashTask
from infra.ids import new_id
from projections import task_list
from projections.pagination import Page
from projections.task_list import TaskRow

WriteResponse = Response[WriteResult]


@post("/projects/{project:str}/tasks")
async def create_task(project: str, data: CreateTask, request: AuthedRequest, ledger: Ledger) -> WriteResponse:
    """Create a task on the board of a project."""
    command = in_scope(data, project_id=await ledger.resolve_project_id(request, project))
    return await ledger.write(request, data.id or new_id(), command)


@get("/tasks/{task:str}")
async def show_task(
    task: str,
    request: AuthedRequest,
    ledger: Ledger,
    expand: ExpandParam = None,
    min_position: MinPositionParam = None,
) -> Response[TaskRow | ExpandedTask]:
    """Show one task, in the trash or not."""
    members = parse_expand(expand)
    question = task_list.by_id(await ledger.resolve_task_id(request, task, min_position))
    return await ledger.read(request, question, min_position, members)


@patch("/tasks/{task:str}")
async def edit_task(task: str, data: EditTask, request: AuthedRequest, ledger: Ledger) -> WriteResponse:
    """Change any fields of a task, all at once; send the version you last read.

    Labels and assignees are replaced as a whole: to add or remove one beside others who do so too, use `label`,
    `unlabel`, `assign` and `unassign`, which need no version.
    """
    return await ledger.write(request, await ledger.resolve_task_id(request, task), data)


@delete("/tasks/{task:str}", status_code=200)
async def trash_task(task: str, data: TrashTask, request: AuthedRequest, ledger: Ledger) -> WriteResponse:
    """Move a task to the trash; send the version you last read."""
    return await ledger.write(request, await ledger.resolve_task_id(request, task), data)


@post("/tasks/{task:str}/complete", status_code=200)
async def complete_task(task: str, data: CompleteTask, request: AuthedRequest, ledger: Ledger) -> WriteResponse:
    """Mark a task as done."""
    return await ledger.write(request, await ledger.resolve_task_id(request, task), data)


@post("/tasks/{task:str}/reopen", status_code=200)
async def reopen_task(task: str, data: ReopenTask, request: AuthedRequest, ledger: Ledger) -> WriteResponse:
    """Mark a done task as open again."""
    return await ledger.write(request, await ledger.resolve_task_id(request, task), data)


@post("/tasks/{task:str}/move", status_code=200)
async def move_task(task: str, data: MoveTask, request: AuthedRequest, ledger: Ledger) -> WriteResponse:
    """Move a task to another column; send the version you last read."""
    return await ledger.write(request, await ledger.resolve_task_id(request, task), data)


@post("/tasks/{task:str}/assign", status_code=200)
async def assign_task(task: str, data: AssignTask, request: AuthedRequest, ledger: Ledger) -> WriteResponse:
    """Assign a task to one more member of its workspace."""
    return await ledger.write(request, await ledger.resolve_task_id(request, task), data)


@post("/tasks/{task:str}/unassign", status_code=200)
async def unassign_task(task: str, data: UnassignTask, request: AuthedRequest, ledger: Ledger) -> WriteResponse:
    """Unassign a task from a user, who may have left the workspace."""
    return await ledger.write(request, await ledger.resolve_task_id(request, task), data)


@post("/tasks/{task:str}/label", status_code=200)
async def label_task(task: str, data: LabelTask, request: AuthedRequest, ledger: Ledger) -> WriteResponse:
    """Add a label to a task, unless it has it already, in any letter case."""
    return await ledger.write(request, await ledger.resolve_task_id(request, task), data)


@post("/tasks/{task:str}/unlabel", status_code=200)
async def unlabel_task(task: str, data: UnlabelTask, request: AuthedRequest, ledger: Ledger) -> WriteResponse:
    """Remove a label from a task, in any spelling."""
    return await ledger.write(request, await ledger.resolve_task_id(request, task), data)


@post("/tasks/{task:str}/restore", status_code=200)
async def restore_task(task: str, data: RestoreTask, request: AuthedRequest, ledger: Ledger) -> WriteResponse:
    """Restore a task from the trash, to its old column or to the one that you name."""
    return await ledger.write(request, await ledger.resolve_task_id(request, task), data)


@get("/tasks/{task:str}/history")
async def show_history(
    task: str,
    request: AuthedRequest,
    ledger: Ledger,
    limit: LimitParam = 50,
    cursor: CursorParam = None,
    min_position: MinPositionParam = None,
) -> Response[Page[history_items.HistoryItem]]:
    """List the events of a task, newest first, straight from the log."""
    return await ledger.history(
        request, await ledger.resolve_task_id(request, task, min_position), limit, cursor, min_position
    )
