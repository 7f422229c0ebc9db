"""Who asks: a bearer token, signed by us, that says which user and until when."""

from collections import OrderedDict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar
from uuid import UUID

from litestar.connection import ASGIConnection
from litestar.exceptions import NotAuthorizedException
from litestar.middleware import AuthenticationResult
from litestar.security.jwt import JWTAuth, JWTAuthenticationMiddleware, Token

from domain.event import Actor
from domain.user import Scope
from infra.ids import new_id

ALGORITHM = "HS256"
ISSUER = "taskledger"
LIFETIME = timedelta(hours=12)
REMEMBERED = 10_000
"""Tokens that a process need not verify again; the one verified the longest ago goes first."""
PUBLIC = {"public": True}
"""The option of a handler that needs no token. Handlers are marked one by one: patterns let too much through."""


@dataclass
class AccessToken(Token):
    """A short-lived proof of who somebody is."""

    typ: str = "access"
    scope: ClassVar[Scope] = "admin"


def issue(user: UUID, key: str) -> str:
    """A signed access token for a user, good for `LIFETIME`."""
    now = datetime.now(UTC)
    token = AccessToken(exp=now + LIFETIME, sub=str(user), iat=now, iss=ISSUER, aud=ISSUER, jti=str(new_id()))
    return token.encode(key, ALGORITHM)


def authentication(key: str) -> JWTAuth[Actor, AccessToken]:
    """The check that every handler is behind unless it is marked `PUBLIC`."""
    return JWTAuth[Actor, AccessToken](
        token_secret=key,
        algorithm=ALGORITHM,
        token_cls=AccessToken,
        retrieve_user_handler=_actor,
        accepted_audiences=[ISSUER],
        accepted_issuers=[ISSUER],
        require_claims=["exp", "iat", "iss", "aud", "sub", "jti", "typ"],
        exclude_opt_key="public",
        authentication_middleware_class=_Bearer,
    )


async def _actor(token: AccessToken, _: ASGIConnection[Any, Any, Any, Any]) -> Actor | None:
    try:
        return Actor(UUID(token.sub)) if token.typ == "access" else None
    except ValueError:
        return None


class _Bearer(JWTAuthenticationMiddleware):
    """Verifies a token once and remembers it until it expires: its signature does not change."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._verified: OrderedDict[str, AuthenticationResult] = OrderedDict()

    async def authenticate_request(self, connection: ASGIConnection[Any, Any, Any, Any]) -> AuthenticationResult:
        scheme, _, token = connection.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise NotAuthorizedException("Send `Authorization: Bearer <token>`.")
        verified = self._verified.get(token)
        if verified is None or verified.auth.exp <= datetime.now(UTC):
            self._verified.pop(token, None)
            verified = await self.authenticate_token(encoded_token=token, connection=connection)
            self._verified[token] = verified
            if len(self._verified) > REMEMBERED:
                self._verified.popitem(last=False)
        return verified
