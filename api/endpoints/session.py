"""Sessions over HTTP: log in, refresh tokens, list sessions and log out."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct
from msgspec.structs import asdict

from api.function_endpoint import delete, get, post
from api.http import access_tokens, headers
from api.http.body import MAX_AUTH_BODY_BYTES
from api.http.client_address import client_network
from api.http.response import Response
from api.ledger import AuthedRequest, Ledger
from domain.errors import NoSession, WrongCredentials
from infra.identity.sessions import SessionWithToken

_MAX_USER_AGENT_CHARS = 200


class Login(Struct, frozen=True, forbid_unknown_fields=True):
    email: Annotated[str, Meta(max_length=254)]
    password: Annotated[str, Meta(max_length=200)]


class Refresh(Struct, frozen=True, forbid_unknown_fields=True):
    refresh_token: Annotated[str, Meta(max_length=4096)]


class TokenPair(Struct, frozen=True):
    """An access token, valid for `expires_in` seconds, and the refresh token for the next one."""

    access_token: str
    token_type: str
    expires_in: int
    refresh_token: str


class SessionInfo(Struct, frozen=True):
    """A session, and whether it is the current one."""

    id: UUID
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime
    user_agent: str
    current: bool


class SessionList(Struct, frozen=True):
    items: list[SessionInfo]


@post("/auth/login", max_body_bytes=MAX_AUTH_BODY_BYTES, is_public=True, status_code=200)
async def login(data: Login, request: AuthedRequest, ledger: Ledger) -> Response[TokenPair]:
    """Log in: get an access token for `Authorization: Bearer`, and a refresh token."""
    account, network = ledger.addresses.account_id(data.email), client_network(request, ledger.proxies)
    with ledger.sign_in_refusals.counted(data.email):
        async with ledger.attempt_limits.charge_guess(account, network), ledger.passwords.turn("log-in", network):
            user = await ledger.addresses.find_user(data.email)
            proof = await ledger.passwords.verify(user, data.password)
        if user is None:
            raise WrongCredentials
        session = await ledger.sessions.open(user, proof, _user_agent(request), network)
    return _token_response(ledger, session)


@post("/auth/refresh", max_body_bytes=MAX_AUTH_BODY_BYTES, is_public=True, status_code=200)
async def refresh(data: Refresh, ledger: Ledger) -> Response[TokenPair]:
    """Get the next tokens of a session. Reusing a refresh token ends the session, unless its answer was just lost."""
    return _token_response(ledger, await ledger.sessions.refresh(data.refresh_token))


@post("/auth/logout", max_body_bytes=MAX_AUTH_BODY_BYTES)
async def logout(request: AuthedRequest, ledger: Ledger) -> None:
    """Log out: end the session of this access token."""
    if request.auth.session is None:
        raise NoSession
    await ledger.sessions.revoke(request.user.user_id, request.auth.session, "signed_out")


@get("/auth/sessions", guard=Ledger.require_account_manager)
async def list_sessions(request: AuthedRequest, ledger: Ledger) -> Response[SessionList]:
    """List your sessions, the most recently used first."""
    sessions = await ledger.sessions.list_for_user(request.user.user_id)
    return Response(
        SessionList([SessionInfo(**asdict(one), current=one.id == request.auth.session) for one in sessions])
    )


@delete("/auth/sessions/{session}", max_body_bytes=MAX_AUTH_BODY_BYTES, guard=Ledger.require_account_manager)
async def end_session(session: UUID, request: AuthedRequest, ledger: Ledger) -> None:
    """End one of your sessions."""
    await ledger.sessions.revoke(request.user.user_id, session, "ended")


def _token_response(ledger: Ledger, session: SessionWithToken) -> Response[TokenPair]:
    token, lifetime = access_tokens.issue_access_token(
        session.user, session.id, session.expires_at, ledger.settings.jwt_key
    )
    return Response(TokenPair(token, "Bearer", lifetime, session.refresh_token))


def _user_agent(request: AuthedRequest) -> str:
    """The User-Agent, shortened, without unprintable characters."""
    value = headers.first(request, b"user-agent")
    return "".join(letter for letter in value[:_MAX_USER_AGENT_CHARS] if letter.isprintable())
