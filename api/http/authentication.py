"""Who asks: a bearer token, either signed by us for a session, or a personal one that is looked up."""

import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Container
from typing import Any, TypeAlias
from uuid import UUID

import jwt
from litestar import Request
from litestar.config.app import AppConfig
from litestar.exceptions import NotAuthorizedException
from litestar.middleware import AuthenticationResult
from msgspec import Struct

from api.http import headers
from api.http.access_tokens import ACCESS_TOKEN_LIFETIME, ALGORITHM, ISSUER, key_id
from commands import permissions
from commands.user import require_human
from domain.errors import ScopeTooNarrow
from domain.event import Actor
from domain.user import TokenScope
from infra.identity import personal_tokens
from infra.identity.personal_tokens import TokenRecord

REQUIRED_CLAIMS = ["exp", "iat", "iss", "aud", "sub", "jti", "typ", "sid"]
MAX_CACHED_TOKENS = 10_000
"""Tokens that a process need not verify again; the one verified the longest ago goes first."""
PERSONAL_TOKEN_TTL_S = 300.0
"""How long a personal token is believed without looking again."""
PUBLIC = {"public": True}
"""The option of a handler that needs no token. Handlers are marked one by one: patterns let too much through."""

BeforeRequestHook: TypeAlias = Callable[[Request[Any, Any, Any]], Awaitable[Any]]


class Credential(Struct, frozen=True):
    """What somebody has proved who they are with: how far it goes, until when (seconds since 1970), and which it is."""

    scope: TokenScope
    expires_at: float | None
    session: UUID | None = None
    token: UUID | None = None


class VerifiedToken(Struct, frozen=True):
    """A token that was good, to be believed until a time unless its id is revoked."""

    result: AuthenticationResult
    valid_until: float
    id: UUID


def require_account_management(actor: Actor, credential: Credential) -> None:
    """Raise ScopeTooNarrow or Forbidden unless sessions, tokens and the password are theirs to manage."""
    needed = permissions.REQUIRED_PERMISSIONS["ManageAccount"].scope
    if not permissions.is_scope_at_least(credential.scope, needed):
        raise ScopeTooNarrow(needed=needed)
    require_human(actor)


async def _no_personal_token(_: str) -> None:
    """No personal token is known."""


class TokenVerifier:
    """Verifies a token once and remembers it: its signature does not change. What is revoked is asked each time."""

    def __init__(
        self,
        signing_key: str,
        find_personal_token: Callable[[str], Awaitable[TokenRecord | None]] = _no_personal_token,
        revoked_ids: Container[UUID] = frozenset(),
    ) -> None:
        self._signing_key = signing_key
        self._key_id = key_id(signing_key)
        self._find_personal_token = find_personal_token
        self._revoked_ids = revoked_ids
        self._verified_tokens: OrderedDict[str, VerifiedToken] = OrderedDict()

    async def verify(self, token: str) -> AuthenticationResult:
        """Who holds it, and how far it goes; raises NotAuthorizedException."""
        verified = self._verified_tokens.get(token)
        if verified is None or verified.valid_until <= time.time():
            self._verified_tokens.pop(token, None)
            verified = await self._verify_uncached(token)
            self._verified_tokens[token] = verified
            if len(self._verified_tokens) > MAX_CACHED_TOKENS:
                self._verified_tokens.popitem(last=False)
        if verified.id in self._revoked_ids:
            raise NotAuthorizedException("This token was revoked.")
        return verified.result

    async def _verify_uncached(self, token: str) -> VerifiedToken:
        if not token.startswith(personal_tokens.PERSONAL_PREFIX):
            return self._verify_jwt(token)
        personal = await self._find_personal_token(token)
        if personal is None:
            raise NotAuthorizedException("Invalid token")
        agent = Actor(personal.id, "agent", on_behalf_of=personal.user)
        actor = agent if personal.kind == "agent" else Actor(personal.user)
        expires = personal.expires_at.timestamp() if personal.expires_at else None
        until = min(time.time() + PERSONAL_TOKEN_TTL_S, expires or float("inf"))
        credential = Credential(personal.scope, expires, token=personal.id)
        return VerifiedToken(AuthenticationResult(actor, credential), until, personal.id)

    def _verify_jwt(self, token: str) -> VerifiedToken:
        """One algorithm, one key, and nothing longer than we sign."""
        try:
            if jwt.get_unverified_header(token).get("kid") != self._key_id:
                raise NotAuthorizedException("Invalid token")
            claims = jwt.decode(
                token,
                self._signing_key,
                [ALGORITHM],
                options={"require": REQUIRED_CLAIMS},
                issuer=ISSUER,
                audience=ISSUER,
            )
            user, session, expires = UUID(claims["sub"]), UUID(claims["sid"]), float(claims["exp"])
        except (jwt.InvalidTokenError, ValueError, TypeError, AttributeError, OverflowError) as error:
            raise NotAuthorizedException("Invalid token") from error
        if claims["typ"] != "access" or not 0 < expires - time.time() <= ACCESS_TOKEN_LIFETIME.total_seconds():
            raise NotAuthorizedException("Invalid token")
        credential = Credential("admin", expires, session=session)
        return VerifiedToken(AuthenticationResult(Actor(user), credential), expires, session)


class Authentication:
    """Stands before every handler that is not marked `PUBLIC`.

    Not as a middleware, which costs two layers more. A handler with a `before_request` of its own would go without:
    none has one, and each is asked for as nobody (tests/api/test_permission_matrix.py).
    """

    def __init__(self, verifier: TokenVerifier) -> None:
        self._verifier = verifier

    def on_app_init(self, config: AppConfig) -> AppConfig:
        """Come before all else that an application asks before its handlers."""
        config.before_request = self._authenticate_before(config.before_request)
        return config

    def _authenticate_before(self, next_hook: BeforeRequestHook | None) -> BeforeRequestHook:
        async def authenticate(request: Request[Any, Any, Any]) -> Any:
            if not request.route_handler.opt.get("public") and request.method != "OPTIONS":
                await self._authenticate(request)
            return await next_hook(request) if next_hook else None

        return authenticate

    async def _authenticate(self, request: Request[Any, Any, Any]) -> None:
        scheme, _, token = headers.first(request, b"authorization").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise NotAuthorizedException("Send `Authorization: Bearer <token>`.")
        result = await self._verifier.verify(token)
        request.scope["user"], request.scope["auth"] = result.user, result.auth


def create_authentication(
    signing_key: str,
    find_personal_token: Callable[[str], Awaitable[TokenRecord | None]] = _no_personal_token,
    revoked_ids: Container[UUID] = frozenset(),
) -> Authentication:
    """The check that every handler is behind unless it is marked `PUBLIC`."""
    return Authentication(TokenVerifier(signing_key, find_personal_token, revoked_ids))
