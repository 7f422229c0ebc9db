"""Secrets that we make: random, told once, and kept as digests."""

import secrets
from base64 import urlsafe_b64encode
from hashlib import sha256
from hmac import digest as hmac

SECRET_BYTES = 32
"""Bytes: 256 bits."""


def generate(prefix: str) -> str:
    """A secret that nobody guesses; the prefix says what it is, to people and to scanners."""
    return prefix + secrets.token_urlsafe(SECRET_BYTES)


def digest(secret: str) -> bytes:
    """What is kept of it. A plain hash will do: it is as random as the hash is long."""
    return sha256(secret.encode()).digest()


def derive_key(master_key: str, purpose: str) -> bytes:
    """A key for one purpose, made from the one that the operator keeps."""
    return hmac(master_key.encode(), purpose.encode(), "sha256")


def derive_secret(key: bytes, secret: str, prefix: str) -> str:
    """The secret that belongs to another one: known to whoever has that one and the key, so it need not be kept."""
    return prefix + urlsafe_b64encode(hmac(key, secret.encode(), "sha256")).rstrip(b"=").decode()
