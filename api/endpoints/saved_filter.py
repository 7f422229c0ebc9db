"""Saved filters over HTTP."""

from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta
from msgspec.structs import asdict

from api.command_endpoint import command
from api.function_endpoint import get
from api.http.addressing import parse_id
from api.http.expansion import PartialTaskPage
from api.http.parameters import PastPageQuery, PastQuery
from api.http.response import Response
from api.http.task_parameters import Sort, TaskPageQuery, TaskSearch, require_sort
from api.ledger import AuthedRequest, Ledger
from api.question_endpoint import question
from api.task_queries import list_across_workspaces
from commands.saved_filter import DeleteFilter, EditFilter, SaveFilter
from domain.errors import FilterIsBuiltin, FilterSyntax, FilterTooLong, FilterValue, NotFound, UnknownField
from projections import saved_filter_list
from projections.pagination import Page
from projections.question import Question
from projections.saved_filter_list import BUILTIN_FILTERS, SavedFilterShown
from projections.task_page import TaskPage

_BUILTIN_IDS = {one.id for one in BUILTIN_FILTERS}
_PARSE_ERRORS = (FilterSyntax, UnknownField, FilterValue, FilterTooLong)
OwnFilterId = Annotated[
    UUID,
    Meta(description="The id of one of your filters.", examples=["0193805a-8d00-73d7-b9e2-88983ef045f3"]),
]
FilterId = Annotated[str, Meta(description="The id of a filter, or the name of a built-in one.", examples=["overdue"])]
_SORT_DESCRIPTION = "The sort order, as in `GET /tasks`. Default: that of the filter, else that of `GET /tasks`."


class FilteredTasksQuery(TaskPageQuery, frozen=True):
    """The parameters of the tasks that match a filter, which has the terms."""

    sort: Annotated[Sort | None, Meta(description=_SORT_DESCRIPTION, extra={"check": require_sort})] = None


def _parse_own_filter(text: str) -> OwnFilterId:
    """The id of a filter that can be changed; raises FilterIsBuiltin or MalformedRequest."""
    if text in _BUILTIN_IDS:
        raise FilterIsBuiltin
    return parse_id(text)


save_filter = command(
    "POST",
    "/filters",
    SaveFilter,
    "Save a filter of the task list under a name, private to you; two filters may have the same name.",
)
list_filters = question(
    "/filters",
    saved_filter_list.page,
    Page[SavedFilterShown],
    "List the built-in filters, then your own by name.",
    PastPageQuery,
)


@get("/filters/{saved_filter}")
async def show_filter(
    saved_filter: FilterId, request: AuthedRequest, ledger: Ledger, query: PastQuery
) -> Response[SavedFilterShown]:
    """Show one of your filters or a built-in one."""
    moment = await ledger.moment(request, query.as_of, query.at_position)
    return await ledger.read(request, _filter_question(request, saved_filter).as_of(moment), query.min_position)


@get("/filters/{saved_filter}/tasks")
async def list_filtered_tasks(
    saved_filter: FilterId, request: AuthedRequest, ledger: Ledger, query: FilteredTasksQuery
) -> Response[TaskPage | PartialTaskPage]:
    """List the tasks that match one of your filters or a built-in one, as `GET /tasks` does with its terms.

    A cursor stays valid until the terms or the sort order of the filter change.
    """
    saved = await _fetch_filter(request, ledger, saved_filter, query.min_position)
    search = TaskSearch(**asdict(query) | {"filter": saved.filter, "sort": query.sort or saved.sort})
    try:
        return await list_across_workspaces(request, ledger, search)
    except _PARSE_ERRORS as error:  # the grammar has changed since it was saved
        detail = f"This filter is no longer valid: edit it. {error}"
        raise type(error)(detail, **error.params) from error


edit_filter = command(
    "PATCH",
    "/filters/{saved_filter}",
    EditFilter,
    "Change the name, the terms or the sort order of a filter; send the version you last read.",
    saved_filter=_parse_own_filter,
)
delete_filter = command(
    "DELETE",
    "/filters/{saved_filter}",
    DeleteFilter,
    "Delete a filter; send the version you last read.",
    saved_filter=_parse_own_filter,
)


async def _fetch_filter(
    request: AuthedRequest, ledger: Ledger, text: str, min_position: int | None
) -> SavedFilterShown:
    """The filter of that id, recorded as a dependency of the response; raises NotFound or MalformedRequest."""
    answer = (await ledger.fetch(request, _filter_question(request, text), min_position)).answer
    if answer is None:
        raise NotFound
    return msgspec.json.decode(answer.body, type=SavedFilterShown)


def _filter_question(request: AuthedRequest, text: str) -> Question:
    """The question for the filter of that id; raises MalformedRequest."""
    return saved_filter_list.by_id(request.user.user_id, text if text in _BUILTIN_IDS else str(parse_id(text)))
