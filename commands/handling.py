"""The one path of every command: load, decide, append if nothing looked at has changed."""

import asyncio
import contextlib
import random
from collections.abc import Collection, Mapping, Sequence
from typing import Protocol
from uuid import UUID

from msgspec import Struct

from commands.decision import Decision, NotLoaded, Streams, Wish
from domain.errors import TooBusy
from domain.event import Actor, Event, State

ATTEMPTS = 12


class Append(Struct, frozen=True):
    """Events to be written together or not at all, if each stream seen is still at its version."""

    seen: dict[UUID, int]
    events: Sequence[tuple[UUID, Event]]
    actor: Actor
    command_id: UUID
    workspace_id: UUID | None


class Changed(Exception):
    """A stream that the decision looked at is at another version by now."""


class Log(Protocol):
    """The event log, as deciding needs it."""

    async def streams(self, ids: Collection[UUID], last: Collection[UUID] = ()) -> Streams:
        """All events of these streams, in order, and of those in `last` the last one; none where it has not begun."""

    async def append(self, append: Append) -> int:
        """Write, and return the position of the last event; raises Changed and writes nothing."""


class Result(Struct, frozen=True):
    """What became of one wish: its stream, the version that it is at, and its state."""

    id: UUID
    version: int
    state: State | None


class Done(Struct, frozen=True):
    """What became of the wishes, and a position that includes them."""

    results: tuple[Result, ...]
    position: int
    changed: bool


class Handling:
    """Carries out commands. Several wishes in one call happen together or not at all."""

    def __init__(self, log: Log) -> None:
        self._log = log

    async def handle(self, wishes: Sequence[Wish], actor: Actor, command_id: UUID) -> Done:
        """Decide and append; a race lost by a wish that named no version is run again, with jitter.

        Raises the Refusal of the rule that said no.
        """
        wanted: dict[UUID, type[State]] = {wish.target: wish.command.about for wish in wishes}
        for attempt in range(ATTEMPTS):
            if attempt:
                await asyncio.sleep(random.uniform(0, 0.001 * 2**attempt))  # noqa: S311 - jitter, no secret
            streams, decision = await self._decide(wishes, actor, wanted)
            with contextlib.suppress(Changed):
                return await self._finish(wishes, decision, streams, command_id)
        raise TooBusy

    async def _decide(
        self, wishes: Sequence[Wish], actor: Actor, wanted: dict[UUID, type[State]]
    ) -> tuple[Streams, Decision]:
        """Decide again until every stream that the rules ask for has been read; `wanted` learns which those are."""
        streams = await self._read(wanted)
        while True:
            decision = Decision(streams, actor)
            try:
                for wish in wishes:
                    decision.make(wish)
            except NotLoaded as missing:
                wanted[missing.stream] = missing.kind
                streams = {**streams, **await self._read({missing.stream: missing.kind})}
            else:
                return streams, decision

    async def _read(self, wanted: Mapping[UUID, type[State]]) -> Streams:
        last = [stream for stream, kind in wanted.items() if kind.last_says_all]
        return await self._log.streams([stream for stream in wanted if stream not in last], last)

    async def _finish(self, wishes: Sequence[Wish], decision: Decision, streams: Streams, command_id: UUID) -> Done:
        if decision.written:
            append = Append(decision.seen, decision.written, decision.actor, command_id, decision.workspace_id)
            position = await self._log.append(append)
        else:
            position = max(streams[wish.target][-1].position for wish in wishes)
        results = tuple(
            Result(wish.target, decision.version(wish.target), decision(wish.command.about, wish.target))
            for wish in wishes
        )
        return Done(results, position, bool(decision.written))
