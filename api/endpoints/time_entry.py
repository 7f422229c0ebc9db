"""Time over HTTP."""

from uuid import UUID

from api.command_endpoint import command
from api.function_endpoint import get
from api.history import read_history
from api.http import history_items
from api.http.parameters import PageQuery, PastPageQuery, PastQuery
from api.http.response import Response
from api.ledger import AuthedRequest, Ledger
from api.question_endpoint import question
from commands.command import require_found
from commands.time_entry import AddTimeEntry, DeleteTimeEntry, EditTimeEntry
from domain.time_entry import TimeEntry
from projections import time_entry_list
from projections.pagination import Page
from projections.time_entry_list import TimeEntryRow

list_time = question(
    "/tasks/{task}/time",
    time_entry_list.page,
    Page[TimeEntryRow],
    "List the time entries of a task, the latest day first, and of one day the newest first.",
    PastPageQuery,
)
add_time = command(
    "POST",
    "/tasks/{task}/time",
    AddTimeEntry,
    """Add time that you spent on a task on one day.

    Without `on` the day is today in your time zone, else in that of the workspace, else in UTC.
    """,
)


@get("/time/{entry}")
async def show_time_entry(
    entry: UUID, request: AuthedRequest, ledger: Ledger, query: PastQuery
) -> Response[TimeEntryRow]:
    """Show one time entry."""
    task = await _task_of(ledger, entry)
    moment = await ledger.moment(request, query.as_of, query.at_position)
    return await ledger.read(request, time_entry_list.by_id(task, entry).as_of(moment), query.min_position)


@get("/time/{entry}/history")
async def show_time_entry_history(
    entry: UUID, request: AuthedRequest, ledger: Ledger, query: PageQuery
) -> Response[Page[history_items.HistoryItem]]:
    """List the events of a time entry, newest first, with all that it ever said, also after it was deleted."""
    task = await _task_of(ledger, entry)
    return await read_history(request, ledger, entry, query, task=task)


edit_time_entry = command(
    "PATCH", "/time/{entry}", EditTimeEntry, "Correct your own time entry; send the version you last read."
)
delete_time_entry = command(
    "DELETE",
    "/time/{entry}",
    DeleteTimeEntry,
    "Delete your own time entry, or as an administrator of the workspace any; send the version you last read.",
)


async def _task_of(ledger: Ledger, entry: UUID) -> UUID:
    """The task that a time entry is of; raises NotFound."""
    return require_found(await ledger.log.load_state(TimeEntry, entry)).task_id
