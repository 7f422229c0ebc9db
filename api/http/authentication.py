"""Who asks: a bearer token, either signed by us for a session, or a personal one that is looked up."""

import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Container
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, TypeAlias
from uuid import UUID

import jwt
from litestar import Request
from litestar.config.app import AppConfig
from litestar.exceptions import NotAuthorizedException
from litestar.middleware import AuthenticationResult
from msgspec import Struct

from api.http import headers
from commands import permissions
from commands.user import by_a_person
from domain.errors import ScopeTooNarrow
from domain.event import Actor
from domain.user import Scope
from infra.identity import tokens
from infra.identity.tokens import Personal
from infra.ids import new_id

ALGORITHM = "HS256"
ISSUER = "taskledger"
LIFETIME = timedelta(hours=1)
CLAIMS = ["exp", "iat", "iss", "aud", "sub", "jti", "typ", "sid"]
REMEMBERED = 10_000
"""Tokens that a process need not verify again; the one verified the longest ago goes first."""
PERSONAL_S = 300.0
"""How long a personal token is believed without looking again."""
PUBLIC = {"public": True}
"""The option of a handler that needs no token. Handlers are marked one by one: patterns let too much through."""

Before: TypeAlias = Callable[[Request[Any, Any, Any]], Awaitable[Any]]


class Credential(Struct, frozen=True):
    """What somebody has proved who they are with: how far it goes, until when (seconds since 1970), and which it is."""

    scope: Scope
    expires: float | None
    session: UUID | None = None
    token: UUID | None = None


class Verified(Struct, frozen=True):
    """A token that was good, to be believed until a time unless its id is revoked."""

    result: AuthenticationResult
    until: float
    id: UUID


def issue(user: UUID, session: UUID, session_ends: datetime, key: str) -> tuple[str, int]:
    """A signed access token for a session of a user, and for how many seconds it is good."""
    now = int(time.time())
    lifetime = min(int(LIFETIME.total_seconds()), int(session_ends.timestamp()) - now)
    names = {"sub": str(user), "sid": str(session), "jti": str(new_id()), "iss": ISSUER, "aud": ISSUER, "typ": "access"}
    claims = {**names, "iat": now, "exp": now + lifetime}
    return jwt.encode(claims, key, ALGORITHM, headers={"kid": key_id(key)}), lifetime


def key_id(key: str) -> str:
    """The name of the one key, which tells nothing about it."""
    return sha256(f"taskledger key {key}".encode()).hexdigest()[:16]


def may_manage(actor: Actor, credential: Credential) -> None:
    """Raise ScopeTooNarrow or Forbidden unless sessions, tokens and the password are theirs to manage."""
    needed = permissions.TABLE["ManageAccount"].scope
    if not permissions.has_scope(credential.scope, needed):
        raise ScopeTooNarrow(needed=needed)
    by_a_person(actor)


async def _none(_: str) -> None:
    """No personal token is known."""


class Keeper:
    """Verifies a token once and remembers it: its signature does not change. What is revoked is asked each time."""

    def __init__(
        self,
        key: str,
        personal: Callable[[str], Awaitable[Personal | None]] = _none,
        revoked: Container[UUID] = frozenset(),
    ) -> None:
        self._key = key
        self._kid = key_id(key)
        self._personal = personal
        self._revoked = revoked
        self._verified: OrderedDict[str, Verified] = OrderedDict()

    async def admit(self, token: str) -> AuthenticationResult:
        """Who holds it, and how far it goes; raises NotAuthorizedException."""
        verified = self._verified.get(token)
        if verified is None or verified.until <= time.time():
            self._verified.pop(token, None)
            verified = await self._verify(token)
            self._verified[token] = verified
            if len(self._verified) > REMEMBERED:
                self._verified.popitem(last=False)
        if verified.id in self._revoked:
            raise NotAuthorizedException("This token was revoked.")
        return verified.result

    async def _verify(self, token: str) -> Verified:
        if not token.startswith(tokens.PREFIX):
            return self._signed(token)
        found = await self._personal(token)
        if found is None:
            raise NotAuthorizedException("Invalid token")
        agent = Actor(found.id, "agent", on_behalf_of=found.user)
        actor = agent if found.kind == "agent" else Actor(found.user)
        expires = found.expires_at.timestamp() if found.expires_at else None
        until = min(time.time() + PERSONAL_S, expires or float("inf"))
        credential = Credential(found.scope, expires, token=found.id)
        return Verified(AuthenticationResult(actor, credential), until, found.id)

    def _signed(self, token: str) -> Verified:
        """One algorithm, one key, and nothing longer than we sign."""
        try:
            if jwt.get_unverified_header(token).get("kid") != self._kid:
                raise NotAuthorizedException("Invalid token")
            claims = jwt.decode(
                token, self._key, [ALGORITHM], options={"require": CLAIMS}, issuer=ISSUER, audience=ISSUER
            )
            user, session, expires = UUID(claims["sub"]), UUID(claims["sid"]), float(claims["exp"])
        except (jwt.InvalidTokenError, ValueError, TypeError, AttributeError, OverflowError) as error:
            raise NotAuthorizedException("Invalid token") from error
        if claims["typ"] != "access" or not 0 < expires - time.time() <= LIFETIME.total_seconds():
            raise NotAuthorizedException("Invalid token")
        credential = Credential("admin", expires, session=session)
        return Verified(AuthenticationResult(Actor(user), credential), expires, session)


class Authentication:
    """Stands before every handler that is not marked `PUBLIC`.

    Not as a middleware, which costs two layers more. A handler with a `before_request` of its own would go without:
    none has one, and each is asked for as nobody (tests/api/test_matrix.py).
    """

    def __init__(self, keeper: Keeper) -> None:
        self._keeper = keeper

    def on_app_init(self, config: AppConfig) -> AppConfig:
        """Come before all else that an application asks before its handlers."""
        config.before_request = self._before(config.before_request)
        return config

    def _before(self, then: Before | None) -> Before:
        async def before(request: Request[Any, Any, Any]) -> Any:
            if not request.route_handler.opt.get("public") and request.method != "OPTIONS":
                await self._admit(request)
            return await then(request) if then else None

        return before

    async def _admit(self, request: Request[Any, Any, Any]) -> None:
        scheme, _, token = headers.first(request, b"authorization").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise NotAuthorizedException("Send `Authorization: Bearer <token>`.")
        found = await self._keeper.admit(token)
        request.scope["user"], request.scope["auth"] = found.user, found.auth


def authentication(
    key: str,
    personal: Callable[[str], Awaitable[Personal | None]] = _none,
    revoked: Container[UUID] = frozenset(),
) -> Authentication:
    """The check that every handler is behind unless it is marked `PUBLIC`."""
    return Authentication(Keeper(key, personal, revoked))
