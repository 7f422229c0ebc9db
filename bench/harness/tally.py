"""A tally: what each answer to a client counts as, by when its request fell due and when the answer came."""

import time
from collections import Counter
from http import HTTPStatus
from typing import Self

from msgspec import Struct

from bench.harness.client_scripts import HttpRequest, HttpResponse

WARM_UP_S = 0.2
"""Time for the clients to connect, and for the server to open its own connections and fill its caches."""


class CountedTime(Struct, frozen=True):
    """The part of a load that counts, between two times of `time.monotonic()`; the warm-up lies before it.

    A closed loop counts the answers that come in it: what is under way at the end has neither been answered nor
    failed. An open loop counts the requests that fall due in it, however late their answers come: otherwise its
    slowest answers would be left out.
    """

    began: float
    ended: float
    is_open_loop: bool = False

    @classmethod
    def starting_now(cls, warm_up_s: float, seconds: float, *, is_open_loop: bool = False) -> Self:
        """`seconds` that count, after a warm-up that begins now."""
        began = time.monotonic() + warm_up_s
        return cls(began, began + seconds, is_open_loop)


class Tally:
    """Each request of a client counts as exactly one thing."""

    def __init__(self, counted: CountedTime) -> None:
        self.latencies: list[float] = []
        self.refused: Counter[int] = Counter()
        self.refused_latencies: list[float] = []
        self.wrong = 0
        self.unanswered = 0
        self.under_way_latencies: list[float] = []
        """Of requests that were under way at the end of a closed loop and were answered after it."""
        self.warm_up_answers = 0
        self._counted = counted

    def record(self, request: HttpRequest, answer: HttpResponse, due: float, now: float) -> None:
        """Count an answer that came `now` to a request that fell due at `due`."""
        if not self._is_in_time(due, now):
            if request.is_counted:
                self._record_out_of_time(due, now)
        elif answer.status >= HTTPStatus.MULTIPLE_CHOICES:
            self.refused[answer.status] += 1
            self.refused_latencies.append(now - due)
        elif request.expected_body not in {None, answer.body}:
            self.wrong += 1
        elif request.is_counted:
            self.latencies.append(now - due)

    def record_success(self, due: float, now: float) -> None:
        """Count a success that is not an HTTP answer."""
        if self._is_in_time(due, now):
            self.latencies.append(now - due)
        else:
            self._record_out_of_time(due, now)

    def record_unanswered(self) -> None:
        """Count a request whose answer is no longer waited for: it failed, in either kind of loop."""
        self.unanswered += 1

    def _is_in_time(self, due: float, now: float) -> bool:
        counted = self._counted
        return due >= counted.began if counted.is_open_loop else counted.began <= now < counted.ended

    def _record_out_of_time(self, due: float, now: float) -> None:
        if (due if self._counted.is_open_loop else now) < self._counted.began:
            self.warm_up_answers += 1
        else:
            self.under_way_latencies.append(now - due)
