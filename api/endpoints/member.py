"""Members of a workspace over HTTP."""

import re
from typing import Annotated, Self
from unicodedata import combining, normalize
from uuid import UUID

import msgspec
from msgspec import Meta, Struct

from api.command_endpoint import command
from api.function_endpoint import delete, get
from api.http import history_items
from api.http.addressing import in_scope, parse_id
from api.http.command_results import WriteResult
from api.http.conditional_response import conditional_response
from api.http.parameters import PageQuery
from api.http.response import Response
from api.ledger import AuthedRequest, Ledger
from commands.member import LeaveWorkspace, RemoveMember, SetRole
from domain.errors import InviteInstead
from domain.event import Actor
from domain.member import Role
from projections import pagination, workspace_list
from projections.pagination import MIN_NAME_SORT_KEY, NameSortKey, Page


class MembersQuery(PageQuery, frozen=True):
    """The parameters of the list of members."""

    query: Annotated[
        Annotated[str, Meta(max_length=100)] | None,
        Meta(description="The beginnings of words of a name, as a person types them."),
    ] = None


class MemberRow(Struct, frozen=True):
    """A member as other members see them; the name is null once it is erased."""

    id: UUID
    name: str | None
    role: Role


class NameQuery(Struct, frozen=True):
    """What a person types to find a name: the beginnings of its words, or symbols alone, which it has as they are."""

    prefixes: list[str]
    symbols: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """The query that a text stands for; only blank text stands for every name."""
        prefixes = _fold(text).split()
        return cls(prefixes, "" if prefixes else text.strip())

    def matches(self, name: str) -> bool:
        """Whether each prefix begins a word of the name, or what follows it, and the symbols are in it."""
        folded = f" {_fold(name)}"
        return all(f" {prefix}" in folded for prefix in self.prefixes) and self.symbols in name

    def cursor_key(self) -> dict[str, object]:
        """What a cursor is bound to, the same for every spelling; empty for every name."""
        prefixes = {"query": self.prefixes} if self.prefixes else {}
        return prefixes | ({"symbols": self.symbols} if self.symbols else {})


@get("/workspaces/{workspace}/members")
async def list_members(
    workspace: UUID, request: AuthedRequest, ledger: Ledger, query: MembersQuery
) -> Response[Page[MemberRow]]:
    """List the members of a workspace, by name; with `query`, those whose names have words that begin so."""
    wanted = NameQuery.parse(query.query or "")
    list_id = pagination.list_id_for(workspace, "members", wanted.cursor_key())
    after = pagination.PageCursor.parse(query.cursor, list_id, NameSortKey) or MIN_NAME_SORT_KEY
    found = await ledger.fetch(request, workspace_list.members(workspace), query.min_position)
    roles = msgspec.json.decode(found.answer.body, type=dict[UUID, Role]) if found.answer else {}
    names = await history_items.load_names(ledger.log, [Actor(user) for user in roles])
    rows = [MemberRow(user, names.get(user), role) for user, role in roles.items()]
    matching = (row for row in rows if wanted.matches(row.name or ""))
    remaining = sorted((row for row in matching if _cursor_key(row) > after), key=_cursor_key)
    return conditional_response(
        request, pagination.paginate(remaining, query.limit, list_id, _cursor_key), found.position, found.age_s
    )


def _parse_user(text: str) -> UUID:
    """The id of a user; raises InviteInstead for an e-mail address."""
    if "@" in text:
        raise InviteInstead
    return parse_id(text)


set_role = command(
    "PUT",
    "/workspaces/{workspace}/members/{user}",
    SetRole,
    """Set the role of a user and add them if they are no member yet; only an owner can appoint or demote owners.

    A person who is known by an e-mail address alone is invited instead (422 `invite_instead`).
    """,
    user=_parse_user,
)


@delete("/workspaces/{workspace}/members/{user}")
async def remove_member(
    workspace: UUID,
    user: UUID,
    data: RemoveMember,
    request: AuthedRequest,
    ledger: Ledger,
) -> Response[WriteResult]:
    """Remove a member, or leave the workspace yourself, at once; the last owner cannot go."""
    removal = in_scope(data, user_id=user)
    is_own = removal.user_id == request.user.user_id
    command = LeaveWorkspace(expected_version=data.expected_version) if is_own else removal
    return await ledger.write(request, workspace, command)


def _fold(text: str) -> str:
    """A name as it is compared: in folded case, without accents, its parts separated by single spaces."""
    letters = normalize("NFKD", normalize("NFKD", text).casefold())
    return " ".join(re.split(r"[\W_]+", "".join(one for one in letters if not combining(one)))).strip()


def _cursor_key(row: MemberRow) -> NameSortKey:
    return NameSortKey((row.name or "").casefold(), row.id)
