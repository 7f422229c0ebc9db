"""What a peer is given to serve with."""

from msgspec import Struct


class PeerConfig(Struct, frozen=True):
    """The socket to listen on, the key that tokens are signed with, and what each peer needs of the rest."""

    fd: int
    jwt_key: str
    database_url: str = ""
    redis_url: str = ""
    pages: dict[str, str] = {}
