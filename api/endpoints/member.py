"""Members of a workspace over HTTP."""

from uuid import UUID

import msgspec
from litestar import delete, get, put
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from msgspec import Struct

from api.http import history_items
from api.http.addressing import in_scope, parse_id
from api.http.command_results import WriteResult
from api.http.conditional_response import conditional_response
from api.http.parameters import CursorParam, LimitParam, MinPositionParam
from api.http.response import Response
from api.ledger import AuthedRequest, Ledger
from commands.member import LeaveWorkspace, RemoveMember, SetRole
from domain.event import Actor
from domain.member import Role
from projections import pagination, workspace_list
from projections.pagination import MIN_NAME_SORT_KEY, NameSortKey, Page


class MemberRow(Struct, frozen=True):
    """A member as other members see them; the name is null once it is erased."""

    id: UUID
    name: str | None
    role: Role


@get("/workspaces/{workspace:str}/members")
async def list_members(
    workspace: FromPath[str],
    request: AuthedRequest,
    ledger: NamedDependency[Ledger],
    limit: LimitParam = 50,
    cursor: CursorParam = None,
    min_position: MinPositionParam = None,
) -> Response[Page[MemberRow]]:
    """List the members of a workspace, by name."""
    workspace_id = parse_id(workspace)
    list_id = pagination.list_id_for(workspace_id, "members", {})
    after = pagination.PageCursor.parse(cursor, list_id, NameSortKey) or MIN_NAME_SORT_KEY
    found = await ledger.fetch(request, workspace_list.members(workspace_id), min_position)
    roles = msgspec.json.decode(found.answer.body, type=dict[UUID, Role]) if found.answer else {}
    names = await history_items.load_names(ledger.log, [Actor(user) for user in roles])
    rows = [MemberRow(user, names.get(user), role) for user, role in roles.items()]
    remaining = sorted((row for row in rows if _cursor_key(row) > after), key=_cursor_key)
    return conditional_response(
        request, pagination.paginate(remaining, limit, list_id, _cursor_key), found.position, found.age_s
    )


@put("/workspaces/{workspace:str}/members/{user:str}")
async def set_role(
    workspace: FromPath[str],
    user: FromPath[str],
    data: JSONBody[SetRole],
    request: AuthedRequest,
    ledger: NamedDependency[Ledger],
) -> Response[WriteResult]:
    """Set the role of a user and add them if they are no member yet; only an owner can appoint or demote owners."""
    return await ledger.write(request, parse_id(workspace), in_scope(data, user_id=parse_id(user)))


@delete("/workspaces/{workspace:str}/members/{user:str}", status_code=200)
async def remove_member(
    workspace: FromPath[str],
    user: FromPath[str],
    data: JSONBody[RemoveMember],
    request: AuthedRequest,
    ledger: NamedDependency[Ledger],
) -> Response[WriteResult]:
    """Remove a member, or leave the workspace yourself, at once; the last owner cannot go."""
    removal = in_scope(data, user_id=parse_id(user))
    is_own = removal.user_id == request.user.user_id
    command = LeaveWorkspace(expected_version=data.expected_version) if is_own else removal
    return await ledger.write(request, parse_id(workspace), command)


def _cursor_key(row: MemberRow) -> NameSortKey:
    return NameSortKey((row.name or "").casefold(), row.id)
