"""The one path of every command: decide, append if all that was looked at still holds, else read and decide again."""

import asyncio
import random
from collections.abc import Collection, Mapping, Sequence
from typing import Protocol
from uuid import UUID

from msgspec import Struct

from commands import lane, results
from commands.conflict import Late
from commands.decision import Wish
from commands.known import Known, Memory, NotLoaded
from commands.lane import Changed, Key, Lane, Order, Replayed, Verdict
from commands.results import Result
from domain.errors import KeyReused, TooBusy, TwinInFlight
from domain.event import Actor, Recorded

ATTEMPTS = 12

Streams = Mapping[UUID, Sequence[Recorded]]


class Log(lane.Log, Protocol):
    """The event log, as commands need it."""

    async def streams(self, ids: Collection[UUID], last: Collection[UUID] = ()) -> Streams:
        """All events of these streams, in order, and of those in `last` the last one; none where it has not begun."""


class Done(Struct, frozen=True):
    """What became of the wishes, and a position that includes them."""

    results: tuple[Result, ...]
    position: int
    changed: bool = False
    replayed: bool = False
    workspace_id: UUID | None = None


class Handling:
    """Carries out commands. Several wishes in one call happen together or not at all."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._memory = Memory()
        self._lane = Lane(log, self._memory)
        self._in_flight: set[tuple[UUID, str]] = set()

    async def handle(self, wishes: Sequence[Wish], actor: Actor, command_id: UUID, key: Key | None = None) -> Done:
        """Decide and append; a race lost by a wish that named no version is run again, with jitter.

        With a key that was used before, what came of it then is answered, and nothing happens; whether the
        actor may still see that is the caller's to ask. Raises the Refusal of the rule that said no,
        KeyReused where the key stands for another request, TwinInFlight where the same one is not done.
        """
        order = Order(wishes, actor, command_id, key)
        if key is None:
            return await self._handle(order)
        if (actor.id, key.text) in self._in_flight:
            raise TwinInFlight
        self._in_flight.add((actor.id, key.text))
        try:
            return await self._handle(order)
        except Replayed as before:
            if before.key != key:
                raise KeyReused from None
            return Done(
                results.decode(before.outcome), before.position, replayed=True, workspace_id=before.workspace_id
            )
        finally:
            self._in_flight.discard((actor.id, key.text))

    async def _handle(self, order: Order) -> Done:
        for attempt in range(ATTEMPTS):
            if attempt:
                await asyncio.sleep(random.uniform(0, 0.001 * 2**attempt))  # noqa: S311 - jitter, no secret
            try:
                verdict = await self._carried_out(order)
            except Changed as changed:
                await self._look_again(order.wishes, changed)
                continue
            if verdict.no is None:
                return _done(order.wishes, verdict)
            if not isinstance(verdict.no, Late):
                raise verdict.no
            await self._tell(verdict.no)
        raise TooBusy

    async def _carried_out(self, order: Order) -> Verdict:
        while True:
            try:
                return await self._lane.carry_out(order)
            except NotLoaded as missing:
                await self._load(missing)

    async def _look_again(self, wishes: Sequence[Wish], changed: Changed) -> None:
        """Read the targets that were taken for new; whatever else is old was forgotten, and is read when asked for."""
        for wish in wishes:
            if wish.command.creates and wish.target in changed.streams:
                await self._load(NotLoaded(wish.target, wish.command.about))

    async def _load(self, missing: NotLoaded) -> None:
        stream, kind = missing.stream, missing.kind
        found = await self._log.streams([], [stream]) if kind.last_says_all else await self._log.streams([stream])
        self._memory.learn(stream, Known.of(found[stream], [kind]))

    async def _tell(self, late: Late) -> None:
        """Raise the conflict, unless more has happened since."""
        history = (await self._log.streams([late.stream]))[late.stream]
        while late.is_about(history):
            try:
                raise late.told(history)
            except NotLoaded as missing:
                await self._load(missing)
        self._memory.learn(late.stream, Known.of(history, []))


def _done(wishes: Sequence[Wish], verdict: Verdict) -> Done:
    decision = verdict.decision
    changed = bool(decision.written)
    position = verdict.position if changed else max(decision.leaves[wish.target].position for wish in wishes)
    return Done(results.of(wishes, decision), position, changed)
