"""Saved filters over HTTP."""

from uuid import UUID

from litestar import Response, delete, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from api.ledger import Asked, Ledger, Written
from api.naming import given_id
from api.parameters import Cursor, Limit, MinPosition
from commands.saved_filter import DeleteFilter, EditFilter, SaveFilter
from domain.errors import FilterIsBuiltin
from infra.ids import new_id
from projections import saved_filter_list
from projections.page import Page
from projections.saved_filter_list import BUILTIN, SavedFilterShown

_BUILTIN = {one.id for one in BUILTIN}


@post("/filters")
async def save_filter(data: JSONBody[SaveFilter], request: Asked, ledger: NamedDependency[Ledger]) -> Response[Written]:
    """Keep a filter of the task list under a name, for nobody but yourself; two may have the same name."""
    return await ledger.write(request, data.id or new_id(), data)


@get("/filters")
async def list_filters(
    request: Asked,
    ledger: NamedDependency[Ledger],
    limit: Limit = 50,
    cursor: Cursor = None,
    min_position: MinPosition = None,
) -> Response[Page[SavedFilterShown]]:
    """Your filters by name, after those that everybody has."""
    return await ledger.read(request, saved_filter_list.page(request.user.person, limit, cursor), min_position)


@get("/filters/{saved_filter:str}")
async def show_filter(
    saved_filter: FromPath[str], request: Asked, ledger: NamedDependency[Ledger], min_position: MinPosition = None
) -> Response[SavedFilterShown]:
    """One filter of yours, or one that everybody has."""
    wanted = saved_filter if saved_filter in _BUILTIN else str(given_id(saved_filter))
    return await ledger.read(request, saved_filter_list.one(request.user.person, wanted), min_position)


@patch("/filters/{saved_filter:str}")
async def edit_filter(
    saved_filter: FromPath[str], data: JSONBody[EditFilter], request: Asked, ledger: NamedDependency[Ledger]
) -> Response[Written]:
    """Change the name, the filter or the order of its tasks; name the version that you saw."""
    return await ledger.write(request, _own(saved_filter), data)


@delete("/filters/{saved_filter:str}", status_code=200)
async def delete_filter(
    saved_filter: FromPath[str], data: JSONBody[DeleteFilter], request: Asked, ledger: NamedDependency[Ledger]
) -> Response[Written]:
    """Keep a filter no longer; name the version that you saw."""
    return await ledger.write(request, _own(saved_filter), data)


def _own(text: str) -> UUID:
    """The id of a filter that can change; raises FilterIsBuiltin, or Malformed."""
    if text in _BUILTIN:
        raise FilterIsBuiltin
    return given_id(text)
