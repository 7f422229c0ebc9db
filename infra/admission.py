"""Admission: how many requests a process handles at once; more are refused before they cost anything."""

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from math import inf
from typing import Literal, TypeAlias, get_args
from uuid import UUID

from domain.errors import Overloaded

MIN_PLACES = 104
"""Requests in progress that are always allowed; a process needs them to append in groups."""
TARGET_DELAY_S = 0.03
"""A fast process may have as many in progress as it handles in this time (Little's law)."""
FLOOD_MIN_PLACES, FLOOD_TARGET_DELAY_S = 48, 0.02
"""The same while more requests are refused than handled: refusing takes time, too, so fewer are handled as fast."""
RESERVED_FOR_READS = 32
"""Further places for GET and HEAD: most take no time, and a flood of writes must not stop them."""
MAX_BURST_REQUESTS, BURST_S = 512, 0.25
"""How many requests may be in progress, and for how long, before the limit holds: a burst passes, an overload stays."""
QUIET_S = 1.0
"""How long the limit must not have been reached before a burst is allowed again."""
MAX_WAITING_REQUESTS = 1_000
"""Requests that wait for the same kind of thing; they have no place, but take memory."""
MAX_WAITING_REQUESTS_PER_USER = 500
"""Of one user, so that none uses up what all may wait."""
RATE_INTERVAL_S = 0.1

WaitReason: TypeAlias = Literal["read model", "turn to hash", "refusal"]
"""What requests wait for. Each kind is counted by itself: a flood of refusals keeps no log-in from waiting."""

_current_place: ContextVar["Place | None"] = ContextVar("current_place", default=None)


class Admission:
    """The places of a process. Requests take one when they have arrived in full, and leave it when they are handled."""

    def __init__(self) -> None:
        self.in_progress = self.handled = self.refused = 0
        self.waiting = WaitingRequests()
        self.limit = self._min_places = MIN_PLACES
        self._last_full_at = self._burst_end = -inf
        self._counted_at, self._counted, self._counted_refused = -inf, 0, 0

    def has_place(self, *, is_read: bool) -> bool:
        """Whether a request may be handled now; it counts as refused if not."""
        reserved = RESERVED_FOR_READS if is_read else 0
        if self.in_progress < self._min_places + reserved:
            return True
        now = time.monotonic()
        self._adapt_limit(now)
        if self.in_progress < self.limit + reserved:
            return True
        if self._is_burst(now) and self.in_progress < MAX_BURST_REQUESTS:
            return True
        self.refused += 1
        return False

    def _adapt_limit(self, now: float) -> None:
        elapsed_s = now - self._counted_at
        if elapsed_s <= RATE_INTERVAL_S:
            return
        handled, refused = self.handled - self._counted, self.refused - self._counted_refused
        is_flood = refused > handled
        self._min_places = FLOOD_MIN_PLACES if is_flood else MIN_PLACES
        target_delay_s = FLOOD_TARGET_DELAY_S if is_flood else TARGET_DELAY_S
        self.limit = max(self._min_places, int(handled / elapsed_s * target_delay_s))
        self._counted_at, self._counted, self._counted_refused = now, self.handled, self.refused

    def _is_burst(self, now: float) -> bool:
        """Whether the limit was reached a moment ago, for the first time after a quiet period."""
        if now - self._last_full_at > QUIET_S:
            self._burst_end = now + BURST_S
        self._last_full_at = now
        return now < self._burst_end


class WaitingRequests:
    """How many requests wait, by what they wait for and by user."""

    def __init__(self) -> None:
        self._counts: Counter[WaitReason | UUID] = Counter()

    @property
    def total(self) -> int:
        return sum(self._counts[reason] for reason in get_args(WaitReason))

    @contextmanager
    def count(self, reason: WaitReason, user: UUID | None = None) -> Iterator[None]:
        """Count one for the time of the block; raises Overloaded if too many wait."""
        keys = (reason, user) if user else (reason,)
        if self._counts[reason] >= MAX_WAITING_REQUESTS or (
            user and self._counts[user] >= MAX_WAITING_REQUESTS_PER_USER
        ):
            raise Overloaded
        self._counts.update(keys)
        try:
            yield
        finally:
            self._counts.subtract(keys)
            if user and not self._counts[user]:
                del self._counts[user]


class Place:
    """The place of one request, from when it is taken until the request has been handled."""

    __slots__ = ("_admission", "_is_over", "_is_taken", "_was_taken")

    def __init__(self, admission: Admission) -> None:
        self._admission = admission
        self._is_taken = self._was_taken = self._is_over = False

    def take(self) -> None:
        if not self._is_taken and not self._is_over:
            self._is_taken = self._was_taken = True
            self._admission.in_progress += 1

    def leave(self) -> None:
        if self._is_taken:
            self._is_taken = False
            self._admission.in_progress -= 1

    def end(self) -> None:
        """Leave it for good."""
        self.leave()
        self._is_over = True
        self._admission.handled += self._was_taken

    @contextmanager
    def left_to_others(self, reason: WaitReason, user: UUID | None = None) -> Iterator[None]:
        """Leave it for the time of the block; raises Overloaded if too many requests do."""
        with self._admission.waiting.count(reason, user):
            self.leave()
            try:
                yield
            finally:
                self.take()


def begin(place: Place) -> None:
    """Let the current request have this place."""
    _current_place.set(place)


@contextmanager
def waiting(reason: WaitReason, user: UUID | None = None) -> Iterator[None]:
    """While the current request waits for something that costs nothing, another may have its place.

    Raises Overloaded if too many wait for the same kind of thing, or too many of this user.
    """
    place = _current_place.get()
    if place is None:
        yield
        return
    with place.left_to_others(reason, user):
        yield
