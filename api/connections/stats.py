"""Statistics of a process's connections: how many are open, and which were refused or closed, by reason."""

from collections import Counter

from msgspec import Struct, field


class ConnectionStats(Struct):
    """`refused` counts problems by code, and connections aborted for their number; `closed` those closed silently."""

    open: int = 0
    body_bytes: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    closed: Counter[str] = field(default_factory=Counter)
