"""Back-off: growing pauses between attempts, with jitter, so that many processes do not come back at once."""

import random

from infra.time_budget import BACKOFF_S

JITTER = 0.2
"""The share by which a pause may be shorter or longer."""


class Backoff:
    """The pauses of one thing that is tried again: each is twice the last, up to a limit, until it succeeds."""

    def __init__(self, longest_s: float = BACKOFF_S[1]) -> None:
        self._longest_s = longest_s
        self._next_s = BACKOFF_S[0]

    def pause_s(self) -> float:
        """How long to wait after one more failure."""
        pause_s, self._next_s = self._next_s, min(2 * self._next_s, self._longest_s)
        return pause_s * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311 - jitter, no secret

    def reset(self) -> None:
        """It succeeded: the next failure is the first one again."""
        self._next_s = BACKOFF_S[0]
