"""Personal tokens over HTTP: made, shown once, revoked."""

from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from litestar import delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from msgspec import Meta, Struct
from msgspec.structs import asdict

from api.http import authentication, preconditions
from api.http.addressing import given_id
from api.http.response import Response
from api.ledger import BASE, Asked, Ledger, order
from commands import permissions
from commands.command import present
from commands.field_types import Name
from commands.handling.decision import Wish
from commands.user import IssueToken, RevokeToken
from domain.errors import NotFound, Refusal
from domain.user import PersonalToken, Scope, TokenKind, User
from infra.identity.tokens import Personal
from infra.ids import new_id

Scopes = Annotated[tuple[Scope, ...], Meta(min_length=1, max_length=3)]
Until = Annotated[datetime, Meta(tz=True, description="A time with an offset (RFC 3339).")]


class NewToken(Struct, frozen=True, forbid_unknown_fields=True):
    """What to make: as far as `scopes` go; an agent acts under the token's name, on your behalf."""

    name: Name
    scopes: Scopes
    kind: TokenKind = "human"
    expires_at: Until | None = None

    def __post_init__(self) -> None:
        try:
            _ = self.expires_at and self.expires_at.astimezone(UTC)
        except OverflowError as error:
            raise ValueError("expires_at is beyond the calendar") from error


class Shown(Struct, frozen=True):
    """A personal token, without its secret."""

    id: UUID
    name: str
    scopes: tuple[Scope, ...]
    kind: TokenKind
    on_behalf_of: UUID | None
    created_at: datetime
    expires_at: datetime | None


class Issued(Shown, frozen=True):
    """A personal token with its secret, for this once."""

    token: str


class ShownList(Struct, frozen=True):
    items: list[Shown]


@post("/auth/tokens", response_headers=[preconditions.LOCATION])
async def issue_token(data: JSONBody[NewToken], request: Asked, ledger: NamedDependency[Ledger]) -> Response[Issued]:
    """Make a token for a program of yours; its secret is shown here and never again."""
    authentication.may_manage(request.user, request.auth)
    user, made = request.user.person, new_id()
    scopes = tuple(scope for scope in permissions.SCOPES if scope in data.scopes)
    until = data.expires_at.astimezone(UTC) if data.expires_at else None
    secret, created_at = await ledger.tokens.keep(Personal(made, user, data.kind, permissions.furthest(scopes), until))
    command = IssueToken(token_id=made, name=data.name, scopes=scopes, kind=data.kind, expires_at=until)
    try:
        await ledger.handle(order(request, [Wish(user, command)]))
    except Refusal:
        await ledger.tokens.drop(user, made)
        raise
    shown = _shown(user, PersonalToken(made, data.name, scopes, data.kind, until), created_at)
    headers = {**preconditions.NO_STORE, "Location": f"{BASE}/auth/tokens/{made}"}
    return Response(Issued(**asdict(shown), token=secret), status_code=201, headers=headers)


@get("/auth/tokens")
async def list_tokens(request: Asked, ledger: NamedDependency[Ledger]) -> Response[ShownList]:
    """Your personal tokens that were not revoked, oldest first."""
    authentication.may_manage(request.user, request.auth)
    return Response(ShownList(await _standing(ledger, request.user.person)), headers=preconditions.NO_STORE)


@get("/auth/tokens/{token:str}")
async def show_token(token: FromPath[str], request: Asked, ledger: NamedDependency[Ledger]) -> Response[Shown]:
    """One of your personal tokens that were not revoked."""
    wanted = given_id(token)
    authentication.may_manage(request.user, request.auth)
    found = next((one for one in await _standing(ledger, request.user.person) if one.id == wanted), None)
    return Response(present(found), headers=preconditions.NO_STORE)


@delete("/auth/tokens/{token:str}", status_code=204)
async def revoke_token(token: FromPath[str], request: Asked, ledger: NamedDependency[Ledger]) -> None:
    """Have a personal token be good no more."""
    wanted = given_id(token)
    authentication.may_manage(request.user, request.auth)
    user = request.user.person
    state = await ledger.log.state(User, user)
    if state is None or state.token(wanted) is None:
        raise NotFound
    await ledger.tokens.drop(user, wanted)  # first: what is told to be revoked must not work
    await ledger.handle(order(request, [Wish(user, RevokeToken(token_id=wanted))]))


async def _standing(ledger: Ledger, user: UUID) -> list[Shown]:
    """All that were made and not revoked, oldest first."""
    state, made = await ledger.log.state(User, user), await ledger.tokens.made(user)
    known = [token for token in (state.tokens if state else ()) if not token.revoked and token.id in made]
    return [_shown(user, token, made[token.id]) for token in known]


def _shown(user: UUID, token: PersonalToken, created_at: datetime) -> Shown:
    behalf = user if token.kind == "agent" else None
    return Shown(token.id, token.name, token.scopes, token.kind, behalf, created_at, token.expires_at)
