"""Authentication: verifies a bearer token, either a signed access token or a personal one."""

import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Container, Iterable
from typing import Any
from uuid import UUID

import jwt
from jwt.utils import base64url_decode, base64url_encode
from litestar import Request
from litestar.exceptions import NotAuthorizedException
from litestar.middleware import AuthenticationResult
from msgspec import Struct

from api.http import headers
from api.http.access_tokens import ACCESS_TOKEN_LIFETIME, ALGORITHM, ISSUER, key_id
from api.http.endpoint import Endpoint
from api.http.rate_limiting import RequestLimiter
from domain.event import Actor
from domain.user import TokenScope
from infra.identity import personal_tokens
from infra.identity.personal_tokens import TokenRecord

REQUIRED_CLAIMS = ["exp", "iat", "iss", "aud", "sub", "jti", "typ", "sid"]
MAX_CACHED_TOKENS = 10_000
"""Verified tokens cached by a process; the oldest is evicted first."""
PERSONAL_TOKEN_TTL_S = 300.0
"""How long a personal token is cached before it is looked up again."""


class Credential(Struct, frozen=True):
    """The verified credential of a caller: its scope, its expiry (seconds since 1970), and its session or token id."""

    scope: TokenScope
    expires_at: float | None
    session: UUID | None = None
    token: UUID | None = None


class VerifiedToken(Struct, frozen=True):
    """A verified token, valid until a time unless its id is revoked."""

    result: AuthenticationResult
    valid_until: float
    id: UUID


async def _no_personal_token(_: str) -> None:
    """Find nothing: there are no personal tokens."""


class TokenVerifier:
    """Verifies a token once and caches the result, since a signature does not change; revocation is always checked."""

    def __init__(
        self,
        keys: Iterable[str],
        find_personal_token: Callable[[str], Awaitable[TokenRecord | None]] = _no_personal_token,
        revoked_ids: Container[UUID] = frozenset(),
    ) -> None:
        self._keys_by_id = {key_id(key): key for key in keys}
        self._find_personal_token = find_personal_token
        self._revoked_ids = revoked_ids
        self._verified_tokens: OrderedDict[str, VerifiedToken] = OrderedDict()

    async def verify(self, token: str) -> AuthenticationResult:
        """The actor and the credential of a token; raises NotAuthorizedException."""
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
            raise NotAuthorizedException("This token is invalid.")
        agent = Actor(personal.id, "agent", on_behalf_of=personal.user)
        actor = agent if personal.kind == "agent" else Actor(personal.user)
        expires = personal.expires_at.timestamp() if personal.expires_at else None
        until = min(time.time() + PERSONAL_TOKEN_TTL_S, expires or float("inf"))
        credential = Credential(personal.scope, expires, token=personal.id)
        return VerifiedToken(AuthenticationResult(actor, credential), until, personal.id)

    def _verify_jwt(self, token: str) -> VerifiedToken:
        """Accept one algorithm, the key that the token names, and no longer lifetime than this installation issues."""
        try:
            if not all(_is_exact_base64url(part) for part in token.split(".")):
                raise NotAuthorizedException("This token is invalid.")
            key = self._keys_by_id.get(jwt.get_unverified_header(token).get("kid", ""))
            if key is None:
                raise NotAuthorizedException("This token is invalid.")
            claims = jwt.decode(
                token,
                key,
                [ALGORITHM],
                options={"require": REQUIRED_CLAIMS},
                issuer=ISSUER,
                audience=ISSUER,
            )
            user, session, expires = UUID(claims["sub"]), UUID(claims["sid"]), float(claims["exp"])
        except (jwt.InvalidTokenError, ValueError, TypeError, AttributeError, OverflowError) as error:
            raise NotAuthorizedException("This token is invalid.") from error
        if claims["typ"] != "access" or not 0 < expires - time.time() <= ACCESS_TOKEN_LIFETIME.total_seconds():
            raise NotAuthorizedException("This token is invalid.")
        credential = Credential("admin", expires, session=session)
        return VerifiedToken(AuthenticationResult(Actor(user), credential), expires, session)


def _is_exact_base64url(part: str) -> bool:
    """Whether the part of a token is spelled as RFC 7515, section 2, says: decoders accept other spellings too."""
    return base64url_encode(base64url_decode(part)).decode() == part


class Authentication:
    """Counts a request, if there is a limiter, and authenticates its caller, unless the endpoint is public."""

    def __init__(self, verifier: TokenVerifier, limiter: RequestLimiter | None = None) -> None:
        self._verifier = verifier
        self._limiter = limiter

    async def admit(self, request: Request[Any, Any, Any], endpoint: Endpoint) -> None:
        """Put the caller in the request; raises TooManyRequests or NotAuthorizedException."""
        if self._limiter:
            counting = self._limiter.before_authentication(request, endpoint.name, endpoint.route_class)
            if counting:
                await counting
        if not endpoint.is_public:
            await self.authenticate(request)
            if self._limiter:
                self._limiter.after_authentication(request)

    def count_unrouted(self, request: Request[Any, Any, Any]) -> None:
        """Count a request that no endpoint answers; raises TooManyRequests."""
        if self._limiter:
            self._limiter.count_unrouted(request)

    async def authenticate(self, request: Request[Any, Any, Any]) -> None:
        """Put the caller in the request; raises NotAuthorizedException."""
        scheme, _, token = headers.first(request, b"authorization").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise NotAuthorizedException("Send the header Authorization: Bearer <token>.")
        result = await self._verifier.verify(token)
        request.scope["user"], request.scope["auth"] = result.user, result.auth
