"""Recurring tasks over HTTP."""

from api.command_endpoint import command
from commands.recurrence import SkipOccurrence

skip_occurrence = command(
    "POST",
    "/tasks/{task}/skip",
    SkipOccurrence,
    """Skip an instance of a recurring task, which stays open and gets the due date of the next one.

    That is the date which completing the task would give to the next instance.
    """,
)
