"""The one path of every command: decide, append if all that was looked at still holds, else read and decide again."""

import asyncio
import random
from collections.abc import Collection, Mapping, Sequence
from typing import Protocol
from uuid import UUID

from msgspec import Struct

from commands import lane
from commands.conflict import Late
from commands.decision import Wish
from commands.known import Known, Memory, NotLoaded
from commands.lane import Changed, Lane, Order, Verdict
from domain.errors import TooBusy
from domain.event import Actor, Recorded, State

ATTEMPTS = 12

Streams = Mapping[UUID, Sequence[Recorded]]


class Log(lane.Log, Protocol):
    """The event log, as commands need it."""

    async def streams(self, ids: Collection[UUID], last: Collection[UUID] = ()) -> Streams:
        """All events of these streams, in order, and of those in `last` the last one; none where it has not begun."""


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
        self._memory = Memory()
        self._lane = Lane(log, self._memory)

    async def handle(self, wishes: Sequence[Wish], actor: Actor, command_id: UUID) -> Done:
        """Decide and append; a race lost by a wish that named no version is run again, with jitter.

        Raises the Refusal of the rule that said no.
        """
        order = Order(wishes, actor, command_id)
        for attempt in range(ATTEMPTS):
            if attempt:
                await asyncio.sleep(random.uniform(0, 0.001 * 2**attempt))  # noqa: S311 - jitter, no secret
            try:
                verdict = await self._carried_out(order)
            except Changed as changed:
                await self._look_again(wishes, changed)
                continue
            if verdict.no is None:
                return _done(wishes, verdict)
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
    results = tuple(
        Result(wish.target, decision.version(wish.target), decision(wish.command.about, wish.target)) for wish in wishes
    )
    changed = bool(decision.written)
    position = verdict.position if changed else max(decision.leaves[wish.target].position for wish in wishes)
    return Done(results, position, changed)
