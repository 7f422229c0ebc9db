"""Tasks over HTTP."""

from uuid import UUID

from api.command_endpoint import command
from api.function_endpoint import get
from api.http.expansion import Expand, ExpandedTask, parse_expand
from api.http.parameters import PastQuery
from api.http.response import Response
from api.ledger import AuthedRequest, Ledger
from api.task_queries import read_task
from commands.label import LabelTask, UnlabelTask
from commands.task import AssignTask, CompleteTask, CreateTask, EditTask, MoveTask, ReopenTask, UnassignTask
from commands.trash import RestoreTask, TrashTask
from projections.task_list import SingleTaskRow


class TaskQuery(PastQuery, frozen=True):
    """The parameters of one task."""

    expand: Expand = None


create_task = command("POST", "/projects/{project}/tasks", CreateTask, "Create a task on the board of a project.")


@get("/tasks/{task}")
async def show_task(
    task: UUID, request: AuthedRequest, ledger: Ledger, query: TaskQuery
) -> Response[SingleTaskRow | ExpandedTask]:
    """Show one task, in the trash, archived or neither, and whether you watch it."""
    moment = await ledger.moment(request, query.as_of, query.at_position)
    return await read_task(request, ledger, task, query.min_position, parse_expand(query.expand), moment)


edit_task = command(
    "PATCH",
    "/tasks/{task}",
    EditTask,
    """Change any fields of a task, all at once; send the version you last read.

    Labels and assignees are replaced as a whole: to add or remove one beside others who do so too, use `label`,
    `unlabel`, `assign` and `unassign`, which need no version.
    """,
)
trash_task = command("DELETE", "/tasks/{task}", TrashTask, "Move a task to the trash; send the version you last read.")
complete_task = command("POST", "/tasks/{task}/complete", CompleteTask, "Mark a task as done.")
reopen_task = command("POST", "/tasks/{task}/reopen", ReopenTask, "Mark a done task as open again.")
move_task = command(
    "POST",
    "/tasks/{task}/move",
    MoveTask,
    """Move a task to a column, or to a place in the order of its column, or both; or to another project.

    Send the version you last read where the column or the project changes; a place in the column that the task is in
    needs none. Beside a task of another column, it goes to that column.

    In another project of the workspace (`project_id`) the task gets the next key there, and its old key still leads to
    it. It leaves its parent, and what is below it goes along, 1,000 tasks at most. Without a `column`, each goes to the
    one of the same name, else to the first; it stays open or done. Custom fields keep their values where the project
    has one of equal name and type; a dry run shows the others, and they stay in the history.
    """,
)
assign_task = command("POST", "/tasks/{task}/assign", AssignTask, "Assign a task to one more member of its workspace.")
unassign_task = command(
    "POST", "/tasks/{task}/unassign", UnassignTask, "Unassign a task from a user, who may have left the workspace."
)
label_task = command(
    "POST", "/tasks/{task}/label", LabelTask, "Add a label to a task, unless it has it already, in any letter case."
)
unlabel_task = command("POST", "/tasks/{task}/unlabel", UnlabelTask, "Remove a label from a task, in any spelling.")
restore_task = command(
    "POST",
    "/tasks/{task}/restore",
    RestoreTask,
    "Restore a task from the trash, to its old column or to the one that you name.",
)
