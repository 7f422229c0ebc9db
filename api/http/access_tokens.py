"""Access tokens: signed by this installation for one session of a user (JWT, HS256)."""

import time
from datetime import datetime, timedelta
from hashlib import sha256
from uuid import UUID

import jwt

from infra.ids import new_id

ALGORITHM = "HS256"
ISSUER = "taskledger"
ACCESS_TOKEN_LIFETIME = timedelta(hours=1)


def issue_access_token(user: UUID, session: UUID, session_expires_at: datetime, signing_key: str) -> tuple[str, int]:
    """A signed access token for a session of a user, and its lifetime in seconds."""
    now = int(time.time())
    lifetime = min(int(ACCESS_TOKEN_LIFETIME.total_seconds()), int(session_expires_at.timestamp()) - now)
    identity_claims = {
        "sub": str(user),
        "sid": str(session),
        "jti": str(new_id()),
        "iss": ISSUER,
        "aud": ISSUER,
        "typ": "access",
    }
    claims = {**identity_claims, "iat": now, "exp": now + lifetime}
    return jwt.encode(claims, signing_key, ALGORITHM, headers={"kid": key_id(signing_key)}), lifetime


def key_id(signing_key: str) -> str:
    """The key id of the signing key: a digest that reveals nothing of it."""
    return sha256(f"taskledger key {signing_key}".encode()).hexdigest()[:16]
