"""Copies over HTTP."""

from api.command_endpoint import command
from commands.copy import CopyProject, DuplicateTask

duplicate_task = command(
    "POST",
    "/tasks/{task}/duplicate",
    DuplicateTask,
    """Duplicate a task, alone or with the tasks below it: the new ones are open, and at the bottom of their columns.

    A duplicate has the texts, dates, labels, members, checklist, fields and recurrence of the task, and its parent;
    not its comments and attachments, and nothing is ticked.
    """,
)
copy_project = command(
    "POST",
    "/projects/{project}/copy",
    CopyProject,
    """Copy a project as a template, alone or with the tasks on its board.

    The copy has the columns, limits, custom fields and rules of the project. Its tasks are duplicates, in the same
    order and below one another, with keys from 1. 422 `too_many_tasks_to_copy` beyond 1,000 of them.
    """,
)
