"""Personal tokens over HTTP: issue, list and revoke; the secret is shown once."""

from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct
from msgspec.structs import asdict

from api.function_endpoint import delete, get, post
from api.http.body import MAX_AUTH_BODY_BYTES
from api.http.conditional_response import LOCATION_HEADER
from api.http.response import Response
from api.ledger import BASE_PATH, AuthedRequest, Ledger, command_request
from commands import permissions
from commands.command import require_found
from commands.field_types import Name, TimestampText
from commands.handling.command_on import CommandOn
from commands.token import IssueToken, RevokeToken
from domain.errors import NotFound, Refusal
from domain.timestamp import parse_timestamp
from domain.user import PersonalToken, TokenKind, TokenScope, User
from infra.identity.personal_tokens import TokenRecord
from infra.ids import new_id

Scopes = Annotated[tuple[TokenScope, ...], Meta(min_length=1, max_length=4)]


class NewToken(Struct, frozen=True, forbid_unknown_fields=True):
    """A personal token to issue, limited to `scopes`; an agent acts under the token's name, on your behalf."""

    name: Name
    scopes: Scopes
    kind: TokenKind = "human"
    expires_at: TimestampText | None = None

    def __post_init__(self) -> None:
        self.expiry()

    def expiry(self) -> datetime | None:
        """The moment in UTC; raises ValueError for what is in no calendar."""
        return parse_timestamp(self.expires_at).astimezone(UTC) if self.expires_at else None


class TokenInfo(Struct, frozen=True):
    """A personal token, without its secret."""

    id: UUID
    name: str
    scopes: tuple[TokenScope, ...]
    kind: TokenKind
    on_behalf_of: UUID | None
    created_at: datetime
    expires_at: datetime | None


class IssuedToken(TokenInfo, frozen=True):
    """A personal token with its secret, which is shown only once."""

    token: str


class TokenList(Struct, frozen=True):
    items: list[TokenInfo]


@post(
    "/auth/tokens",
    max_body_bytes=MAX_AUTH_BODY_BYTES,
    response_headers=[LOCATION_HEADER],
    guard=Ledger.require_account_manager,
)
async def issue_token(data: NewToken, request: AuthedRequest, ledger: Ledger) -> Response[IssuedToken]:
    """Issue a personal token; its secret is shown here and never again."""
    user, token_id = request.user.user_id, new_id()
    scopes = tuple(scope for scope in permissions.SCOPES if scope in data.scopes)
    expires_at = data.expiry()
    secret, created_at = await ledger.tokens.issue(
        TokenRecord(token_id, user, data.kind, permissions.widest_scope(scopes), expires_at)
    )
    command = IssueToken(token_id=token_id, name=data.name, scopes=scopes, kind=data.kind, expires_at=expires_at)
    try:
        await ledger.commit(command_request(request, [CommandOn(user, command)]))
    except Refusal:
        await ledger.tokens.revoke(user, token_id)
        raise
    info = _token_info(user, PersonalToken(token_id, data.name, scopes, data.kind, expires_at), created_at)
    headers = {"Location": f"{BASE_PATH}/auth/tokens/{token_id}"}
    return Response(IssuedToken(**asdict(info), token=secret), status_code=201, headers=headers)


@get("/auth/tokens", guard=Ledger.require_account_manager)
async def list_tokens(request: AuthedRequest, ledger: Ledger) -> Response[TokenList]:
    """List your active personal tokens, oldest first."""
    return Response(TokenList(await _active_tokens(ledger, request.user.user_id)))


@get("/auth/tokens/{token}", guard=Ledger.require_account_manager)
async def show_token(token: UUID, request: AuthedRequest, ledger: Ledger) -> Response[TokenInfo]:
    """Show one of your active personal tokens."""
    found = next((one for one in await _active_tokens(ledger, request.user.user_id) if one.id == token), None)
    return Response(require_found(found))


@delete("/auth/tokens/{token}", max_body_bytes=MAX_AUTH_BODY_BYTES, guard=Ledger.require_account_manager)
async def revoke_token(token: UUID, request: AuthedRequest, ledger: Ledger) -> None:
    """Revoke a personal token."""
    user = request.user.user_id
    state = await ledger.log.load_state(User, user)
    if state is None or state.find_token(token) is None:
        raise NotFound
    await ledger.tokens.revoke(user, token)  # first: a token that is reported as revoked must not work
    await ledger.commit(command_request(request, [CommandOn(user, RevokeToken(token_id=token))]))


async def _active_tokens(ledger: Ledger, user: UUID) -> list[TokenInfo]:
    """The tokens that were not revoked, oldest first."""
    state, created_at_by_id = await ledger.log.load_state(User, user), await ledger.tokens.creation_times(user)
    tokens = [token for token in (state.tokens if state else ()) if not token.revoked and token.id in created_at_by_id]
    return [_token_info(user, token, created_at_by_id[token.id]) for token in tokens]


def _token_info(user: UUID, token: PersonalToken, created_at: datetime) -> TokenInfo:
    on_behalf_of = user if token.kind == "agent" else None
    return TokenInfo(token.id, token.name, token.scopes, token.kind, on_behalf_of, created_at, token.expires_at)
