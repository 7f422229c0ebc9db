"""Members of a workspace over HTTP."""

from uuid import UUID

import msgspec
from litestar import delete, get, put
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from msgspec import Struct

from api.http import history, preconditions
from api.http.addressing import given_id, within
from api.http.outcomes import Written
from api.http.parameters import Cursor, Limit, MinPosition
from api.http.response import Response
from api.ledger import Asked, Ledger
from commands.member import LeaveWorkspace, RemoveMember, SetRole
from domain.event import Actor
from domain.member import Role
from projections import pagination, workspace_list
from projections.pagination import START_OF_NAMES, ByName, Page


class MemberRow(Struct, frozen=True):
    """A member as the others see them; the name is null once it is forgotten."""

    id: UUID
    name: str | None
    role: Role


@get("/workspaces/{workspace:str}/members")
async def list_members(
    workspace: FromPath[str],
    request: Asked,
    ledger: NamedDependency[Ledger],
    limit: Limit = 50,
    cursor: Cursor = None,
    min_position: MinPosition = None,
) -> Response[Page[MemberRow]]:
    """Who belongs to a workspace, by name."""
    workspace_id = given_id(workspace)
    this = pagination.list_of(workspace_id, "members", {})
    after = pagination.Cursor.place(cursor, this, ByName) or START_OF_NAMES
    found = await ledger.found(request, workspace_list.members(workspace_id), min_position)
    roles = msgspec.json.decode(found.answer.body, type=dict[UUID, Role]) if found.answer else {}
    names = await history.names_of(ledger.log, [Actor(user) for user in roles])
    rows = [MemberRow(user, names.get(user), role) for user, role in roles.items()]
    left = sorted((row for row in rows if _place(row) > after), key=_place)
    return preconditions.answered(request, pagination.paged(left, limit, this, _place), found.position, found.age)


@put("/workspaces/{workspace:str}/members/{user:str}")
async def set_role(
    workspace: FromPath[str],
    user: FromPath[str],
    data: JSONBody[SetRole],
    request: Asked,
    ledger: NamedDependency[Ledger],
) -> Response[Written]:
    """Give a user a role, whether they are a member yet or not; only an owner makes an owner, or ends one."""
    return await ledger.write(request, given_id(workspace), within(data, user_id=given_id(user)))


@delete("/workspaces/{workspace:str}/members/{user:str}", status_code=200)
async def remove_member(
    workspace: FromPath[str],
    user: FromPath[str],
    data: JSONBody[RemoveMember],
    request: Asked,
    ledger: NamedDependency[Ledger],
) -> Response[Written]:
    """End a membership, one's own or somebody else's, at once; the last owner stays."""
    removal = within(data, user_id=given_id(user))
    is_own = removal.user_id == request.user.person
    command = LeaveWorkspace(expected_version=data.expected_version) if is_own else removal
    return await ledger.write(request, given_id(workspace), command)


def _place(row: MemberRow) -> ByName:
    return ByName((row.name or "").casefold(), row.id)
