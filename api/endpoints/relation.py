"""Relations over HTTP."""

from api.command_endpoint import command
from commands.relation import RelateTask, UnrelateTask

relate_task = command(
    "POST",
    "/tasks/{task}/relate",
    RelateTask,
    """Relate a task to another one of its workspace, which gets the inverse relation.

    A task waits for the open tasks that block it: they are its `blocked_by`, and `is:blocked` finds it. Nothing else
    hangs on a relation. 422 `makes_a_cycle` if the task would wait for itself.
    """,
)
unrelate_task = command(
    "POST",
    "/tasks/{task}/unrelate",
    UnrelateTask,
    """Take a relation between two tasks back, on both.""",
)
