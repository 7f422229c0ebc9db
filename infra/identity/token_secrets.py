"""Generated secrets: random, shown once, and stored as digests."""

import secrets
from base64 import urlsafe_b64encode
from hashlib import sha256
from hmac import digest as hmac

SECRET_BYTES = 32
"""256 bits."""


def generate(prefix: str) -> str:
    """A secret that cannot be guessed. The prefix names its kind, for people and for secret scanners."""
    return prefix + secrets.token_urlsafe(SECRET_BYTES)


def digest(secret: str) -> bytes:
    """The digest to store. A plain hash is enough, because the secret has as much entropy as the hash has bits."""
    return sha256(secret.encode()).digest()


def derive_key(master_key: str, purpose: str) -> bytes:
    """A key for one purpose, derived from the operator's master key."""
    return hmac(master_key.encode(), purpose.encode(), "sha256")


def derive_secret(key: bytes, secret: str, prefix: str) -> str:
    """A secret derived from another one: the same secret and key give the same result, so it need not be stored."""
    return prefix + urlsafe_b64encode(hmac(key, secret.encode(), "sha256")).rstrip(b"=").decode()
