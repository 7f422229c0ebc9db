"""Cache statistics: how often each layer had an answer, and how old those were."""

from collections import Counter

LAYERS = ("process", "redis", "postgresql", "stale")
"""Where an answer comes from; `stale` is one of the first two, unchecked while PostgreSQL is away."""


class CacheStats:
    """Counters of one process, since it started."""

    def __init__(self) -> None:
        self.hits = Counter(dict.fromkeys(LAYERS, 0))
        self.misses = Counter(dict.fromkeys(LAYERS[:2], 0))
        self.total_age_s = dict.fromkeys(LAYERS, 0.0)

    def hit(self, layer: str, age_s: float) -> None:
        """A layer had an answer of this age, in seconds."""
        self.hits[layer] += 1
        self.total_age_s[layer] += age_s

    def miss(self, layer: str) -> None:
        """A layer had no current answer."""
        self.misses[layer] += 1
