"""Commands about a task: create, edit, complete, reopen, move, assign."""

from commands.task.assign import AssignTask, UnassignTask
from commands.task.complete import CompleteTask, ReopenTask
from commands.task.fields import CreateTask, EditTask, RenameTask
from commands.task.move import MoveTask

__all__ = [
    "AssignTask",
    "CompleteTask",
    "CreateTask",
    "EditTask",
    "MoveTask",
    "RenameTask",
    "ReopenTask",
    "UnassignTask",
]
