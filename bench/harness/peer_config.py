"""The configuration of a peer."""

from msgspec import Struct


class PeerConfig(Struct, frozen=True):
    """The socket to listen on, the key that signs tokens, and the fields that only some peers need."""

    fd: int
    jwt_key: str
    database_url: str = ""
    redis_url: str = ""
    pages: dict[str, str] = {}
