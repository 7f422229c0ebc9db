"""Sessions over HTTP: logging in, staying in, and out."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from litestar import delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from msgspec import Meta, Struct

from api.http import authentication, headers, preconditions
from api.http.addressing import given_id
from api.http.response import Response
from api.ledger import Asked, Ledger
from domain.errors import NoSession, WrongCredentials
from domain.user import EmailAddress, address_of
from infra.identity.sessions import Held

_LONGEST_AGENT = 200


class Login(Struct, frozen=True, forbid_unknown_fields=True):
    email: Annotated[str, Meta(max_length=254)]
    password: Annotated[str, Meta(max_length=200)]


class Refresh(Struct, frozen=True, forbid_unknown_fields=True):
    refresh_token: Annotated[str, Meta(max_length=4096)]


class Keys(Struct, frozen=True):
    """What lets a client in: an access token, good for `expires_in` seconds, and the token for the next one."""

    access_token: str
    token_type: str
    expires_in: int
    refresh_token: str


class LoggedIn(Struct, frozen=True):
    """A session, and whether it is the one that asks."""

    id: UUID
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime
    user_agent: str
    current: bool


class LoggedInList(Struct, frozen=True):
    items: list[LoggedIn]


@post("/auth/login", opt=authentication.PUBLIC, status_code=200)
async def login(data: JSONBody[Login], request: Asked, ledger: NamedDependency[Ledger]) -> Response[Keys]:
    """Prove who you are, and get a token for `Authorization: Bearer`, and another to get the next with."""
    account = address_of(data.email)
    found = await ledger.log.state(EmailAddress, account)
    user = found.user_id if found else None
    proof = await ledger.credentials.check(user, data.password, ledger.limits.guess(account, peer(ledger, request)))
    if user is None:
        raise WrongCredentials
    return _let_in(ledger, await ledger.sessions.open(user, proof, _agent(request)))


@post("/auth/refresh", opt=authentication.PUBLIC, status_code=200)
async def refresh(data: JSONBody[Refresh], ledger: NamedDependency[Ledger]) -> Response[Keys]:
    """Get the next tokens of a session. One that was used before ends it, unless the answer was just lost."""
    return _let_in(ledger, await ledger.sessions.refresh(data.refresh_token))


@post("/auth/logout", status_code=204)
async def logout(request: Asked, ledger: NamedDependency[Ledger]) -> None:
    """End the session of the access token that this is sent with."""
    if request.auth.session is None:
        raise NoSession
    await ledger.sessions.end(request.user.person, request.auth.session)


@get("/auth/sessions")
async def list_sessions(request: Asked, ledger: NamedDependency[Ledger]) -> Response[LoggedInList]:
    """Where you are logged in, the one used last first."""
    authentication.may_manage(request.user, request.auth)
    found = await ledger.sessions.of(request.user.person)
    items = [
        LoggedIn(
            one.id,
            one.created_at,
            one.last_used_at,
            one.expires_at,
            one.user_agent,
            one.id == request.auth.session,
        )
        for one in found
    ]
    return Response(LoggedInList(items), headers=preconditions.NO_STORE)


@delete("/auth/sessions/{session:str}", status_code=204)
async def end_session(session: FromPath[str], request: Asked, ledger: NamedDependency[Ledger]) -> None:
    """Log out elsewhere."""
    wanted = given_id(session)
    authentication.may_manage(request.user, request.auth)
    await ledger.sessions.end(request.user.person, wanted)


def peer(ledger: Ledger, request: Asked) -> str:
    """Where a request comes from, as the socket says, or a proxy that is trusted; else anybody can write a header."""
    at = request.client.host if request.client else ""
    return ledger.proxies.origin(at, headers.lines(request, b"x-forwarded-for"))


def _let_in(ledger: Ledger, held: Held) -> Response[Keys]:
    token, lifetime = authentication.issue(held.user, held.id, held.expires_at, ledger.settings.jwt_key)
    return Response(Keys(token, "Bearer", lifetime, held.refresh_token), headers=preconditions.NO_STORE)


def _agent(request: Asked) -> str:
    """The name of the browser or program, as far as it can be shown."""
    said = headers.first(request, b"user-agent")
    return "".join(letter for letter in said[:_LONGEST_AGENT] if letter.isprintable())
