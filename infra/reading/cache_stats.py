"""Counted: how often each layer of the caches had an answer, and how old those were."""

from collections import Counter

LAYERS = ("process", "redis", "postgresql", "stale")
"""Where an answer comes from: the last one is neither of the others as it was, while PostgreSQL is away."""


class CacheStats:
    """Numbers of one process, since it began."""

    def __init__(self) -> None:
        self.hits = Counter(dict.fromkeys(LAYERS, 0))
        self.misses = Counter(dict.fromkeys(LAYERS[:2], 0))
        self.total_age_s = dict.fromkeys(LAYERS, 0.0)

    def hit(self, layer: str, age_s: float) -> None:
        """An answer came from there, read so many seconds ago."""
        self.hits[layer] += 1
        self.total_age_s[layer] += age_s

    def miss(self, layer: str) -> None:
        """There was none that is still true."""
        self.misses[layer] += 1
