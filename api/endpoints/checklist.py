"""Checklists of tasks over HTTP."""

from api.command_endpoint import command
from commands.checklist import CheckItem, SetChecklist, UncheckItem

set_checklist = command(
    "PUT",
    "/tasks/{task}/checklist",
    SetChecklist,
    """Set the checklist of a task, all its items in order; send the version you last read.

    An item with an `id` is the one that the task has; one without gets an id.
    """,
)
check_item = command("POST", "/tasks/{task}/checklist/{item}/check", CheckItem, "Check an item of a checklist.")
uncheck_item = command("POST", "/tasks/{task}/checklist/{item}/uncheck", UncheckItem, "Uncheck an item of a checklist.")
