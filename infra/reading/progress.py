"""Projection progress: the positions that this process knows projections to have reached, from messages and polls.

Workers publish each commit. A message can be lost: a worker dies between its commit and its message, or cannot reach
Redis. So a process notices if a message is missing between two, learns the checkpoints from polls too
(`infra.reading.progress_polling`), and trusts nothing that was reported for longer than a second after the
subscription or the database went silent.
"""

import time
from collections.abc import Callable, Iterable
from typing import Any

import msgspec
from msgspec import Struct

from infra.messaging.hints import FULL_BATCH_EVENTS, LINGER_S
from infra.messaging.subscription import LIVENESS_S, Subscription
from infra.reading.memory_cache import MemoryCache
from infra.reading.progress_messages import PROGRESS_CHANNEL, ProgressMessage
from projections.engine.builds import WHOLE_BUILD_SCOPE
from projections.fingerprint import code_fingerprint
from projections.projection import all_projections

MAX_BATCH_GAP_S = 3 * LINGER_S
"""How long after a full batch the next one may take."""


class ProjectionBehind(Exception):
    """The read model does not include that position yet."""


class PolledProgress(Struct, frozen=True):
    """A projection at one poll: its build, the generation of the whole build, and each partition's position."""

    build: int
    generation: int
    positions: dict[int, int]


class PollStart(Struct, frozen=True):
    """The moment before a poll, on the monotonic and on the wall clock, and the positions reported until then."""

    monotonic_s: float
    at: float
    reported_positions: dict[str, dict[int, int]]


class ProjectionProgress:
    """The positions that this process knows of.

    Cached answers have topics (projection, scope), invalidated when one of them changes. Reports of another database
    (another instance on the same Redis) are ignored. One may still be wrong (the database was restored): an answer
    carries its own position, and a reader that finds it too low calls `invalidate`.
    """

    database = ""
    """Its identity, from the first poll of a connection, which also resets what was reported until then."""

    def __init__(
        self, subscription: Subscription, partitions: int, memory_cache: MemoryCache[Any] | None = None
    ) -> None:
        self._subscription = subscription
        self._memory_cache: MemoryCache[Any] = MemoryCache(0) if memory_cache is None else memory_cache
        self._reported_positions = {name: dict.fromkeys(range(partitions), -1) for name in all_projections()}
        self._polled_positions: dict[str, int] = {}
        self._polled_until = self.polled_at = 0.0
        self._last_full_batch_at: dict[int, float] = {}
        self._advance_handlers: list[Callable[[str], None]] = []
        self._foreign_advance_handlers: list[Callable[[str], None]] = []
        subscription.on_message(PROGRESS_CHANNEL, self._on_message)
        subscription.on_gap(lambda: self._reset(all_projections()))

    def on_advance(self, handler: Callable[[str], None]) -> None:
        """Call the handler with the name of a projection after its known position has advanced."""
        self._advance_handlers.append(handler)

    def on_foreign_advance(self, handler: Callable[[str], None]) -> None:
        """Call the handler with the name of a projection after other code has advanced it: a deploy is under way."""
        self._foreign_advance_handlers.append(handler)

    def has_reached(self, projection: str, position: int) -> bool:
        """Whether the projection is known to have read up to a position, so that no reader need wait."""
        return min(self._reported_positions[projection].values()) >= position

    def known_position(self, projections: Iterable[str]) -> int:
        """The position that these have certainly read up to, with every change until there reported."""
        return min(
            min(self._polled_positions.get(name, -1), *self._reported_positions[name].values()) for name in projections
        )

    def is_live(self) -> bool:
        """Whether everything that was committed until a second ago is known here."""
        return time.monotonic() < self._polled_until and self._subscription.is_alive()

    def reported_position(self, partition: int) -> int:
        """The position up to which all projections are known to have read a partition; -1 if none is known."""
        return min(positions.get(partition, -1) for positions in self._reported_positions.values())

    def is_batching(self, partition: int) -> bool:
        """Whether a worker has just folded a full batch there, and so polls again by itself."""
        return time.monotonic() < self._last_full_batch_at.get(partition, 0.0) + MAX_BATCH_GAP_S

    def invalidate(self, projection: str) -> None:
        """Forget what was reported: an answer showed that it is wrong."""
        self._reset([projection])

    def start_poll(self) -> PollStart:
        """What `finish_poll` compares the checkpoints with; called before they are read."""
        reported = {name: dict(positions) for name, positions in self._reported_positions.items()}
        return PollStart(time.monotonic(), time.time(), reported)

    def finish_poll(
        self, start: PollStart, polled: dict[str, PolledProgress], previous: dict[str, PolledProgress]
    ) -> None:
        """Invalidate what has moved without a message since the previous poll.

        What the previous poll saw is then known for certain; a message about anything later may be on its way.
        """
        for name, current in polled.items():
            reported = start.reported_positions[name]
            if any(reported.get(partition, -1) > position for partition, position in current.positions.items()):
                self._reset([name])  # the reports were about another database
            self._reconcile(name, current, previous.get(name))
            self._polled_positions[name] = min(previous[name].positions.values()) if name in previous else -1
        self._polled_until, self.polled_at = start.monotonic_s + LIVENESS_S, start.at

    def _reconcile(self, name: str, current: PolledProgress, previous: PolledProgress | None) -> None:
        if previous is None or (previous.build, previous.generation) != (current.build, current.generation):
            self._reset([name])
        reported = self._reported_positions[name]
        if reported.keys() != current.positions.keys():
            self._reset([name])
            self._reported_positions[name] = reported = dict.fromkeys(current.positions, -1)
        if previous and any(
            position > reported.get(partition, -1) for partition, position in previous.positions.items()
        ):
            self._memory_cache.invalidate((name, WHOLE_BUILD_SCOPE))
            for partition, position in previous.positions.items():
                self._record_position(name, partition, position)

    def _on_message(self, data: bytes) -> None:
        try:
            message = msgspec.json.decode(data, type=ProgressMessage)
        except msgspec.DecodeError:
            return
        if self._is_foreign(message):
            return
        self._last_full_batch_at[message.partition] = time.monotonic() if message.events >= FULL_BATCH_EVENTS else 0.0
        is_ours = message.code == code_fingerprint()
        for name in self._reported_positions.keys() & set(message.projections):
            if is_ours:
                self._invalidate_changed(name, message)
                self._record_position(name, message.partition, message.position)
            else:
                for handler in self._foreign_advance_handlers:
                    handler(name)

    def _is_foreign(self, message: ProgressMessage) -> bool:
        """Whether it is known to be about another database: its positions and scopes mean nothing here."""
        return bool(message.database and self.database) and message.database != self.database

    def _invalidate_changed(self, name: str, message: ProgressMessage) -> None:
        """Invalidate what changed; everything, if the batch before this one was not reported.

        A late message is told from a gap by the polls alone: a higher reported position may be of another database.
        """
        reported = self._reported_positions[name].get(message.partition, -1)
        if message.start != reported and message.position > self._polled_positions.get(name, -1):
            self._memory_cache.invalidate((name, WHOLE_BUILD_SCOPE))
        for scope in message.generations.get(name, ()):
            self._memory_cache.invalidate((name, scope))

    def _record_position(self, projection: str, partition: int, position: int) -> None:
        if position > self._reported_positions[projection].get(partition, -1):
            self._reported_positions[projection][partition] = position
            for handler in self._advance_handlers:
                handler(projection)

    def _reset(self, projections: Iterable[str]) -> None:
        for name in projections:
            self._reported_positions[name] = dict.fromkeys(self._reported_positions[name], -1)
            self._memory_cache.invalidate((name, WHOLE_BUILD_SCOPE))
