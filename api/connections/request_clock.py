"""The clock of a connection: what it waits for from its client, and since when."""

from enum import Enum, auto
from math import inf

HEAD_TIMEOUT_S = 10.0
BODY_TIMEOUT_S = 30.0
MIN_BODY_BYTES_PER_S = 16 * 1024
"""A body that arrives at this rate on average may take longer than `BODY_TIMEOUT_S`."""
MIN_UPLOAD_BYTES = 16 * 1024
"""An upload that is streamed may take as long as it likes, if so many bytes arrive in each `BODY_TIMEOUT_S`."""
WRITE_TIMEOUT_S = 30.0
"""How long a client may take to read the rest of a response, or to make room for more of it."""
KEEP_ALIVE_S = 75.0


class Phase(Enum):
    HEAD = auto()
    BODY = auto()
    HANDLING = auto()
    IDLE = auto()


class RequestClock:
    """Times are in seconds, by the clock of the event loop. A connection begins with the wait for a head."""

    __slots__ = ("_body_bytes", "_drains_since", "_is_streamed", "_since", "phase")

    def __init__(self, now: float) -> None:
        self._drains_since = inf
        self.begin(Phase.HEAD, now)

    def begin(self, phase: Phase, now: float) -> None:
        self.phase = phase
        self._since = now
        self._body_bytes = 0
        self._is_streamed = False

    def stream_body(self, now: float) -> None:
        """The rest of the body is consumed as it arrives."""
        if self.phase is Phase.BODY:
            self.begin(Phase.BODY, now)
            self._is_streamed = True

    def note_progress(self, now: float) -> None:
        """Give a streamed body new time, if enough of it has arrived."""
        if self._is_streamed and self._body_bytes >= MIN_UPLOAD_BYTES:
            self.stream_body(now)

    def count_body(self, count: int) -> None:
        """Part of the body has arrived."""
        self._body_bytes += count

    def begin_drain(self, now: float) -> None:
        """The write buffer is full: the client must read before more can be sent."""
        self._drains_since = now

    def end_drain(self) -> None:
        self._drains_since = inf

    def is_request_late(self, now: float) -> bool:
        """Whether the head, or the body, takes too long to arrive."""
        if self.phase is Phase.HEAD:
            return now - self._since > HEAD_TIMEOUT_S
        at_this_rate_s = 0 if self._is_streamed else self._body_bytes / MIN_BODY_BYTES_PER_S
        return self.phase is Phase.BODY and now - self._since > max(BODY_TIMEOUT_S, at_this_rate_s)

    def is_response_unread(self, now: float) -> bool:
        """Whether a response that is still in the buffer should have been read long ago."""
        since = min(self._drains_since, self._since if self.phase is Phase.IDLE else inf)
        return now - since > WRITE_TIMEOUT_S

    def is_idle(self, now: float) -> bool:
        """Whether the next request does not come."""
        return self.phase is Phase.IDLE and now - self._since > KEEP_ALIVE_S
