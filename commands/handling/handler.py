"""The one path of every command: decide, append if all that was looked at still holds, else read and decide again."""

import asyncio
import contextlib
import random
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Protocol
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from commands.handling import lane, loader, results
from commands.handling.append import Changed, Replayed
from commands.handling.conflict import Late
from commands.handling.decision import Wish
from commands.handling.group import Order, Verdict
from commands.handling.lane import Lane
from commands.handling.loader import Loading
from commands.handling.results import Foreseen, Result
from commands.handling.stream_cache import Known, Memory, NotLoaded
from domain.errors import KeyReused, Refusal, TooBusy, TwinInFlight
from domain.event import Actor, Recorded

ATTEMPTS = 12

Streams = Mapping[UUID, Sequence[Recorded]]


class Log(lane.Log, loader.Log, Protocol):
    """The event log, as commands need it."""

    async def load_streams(self, ids: Collection[UUID]) -> Streams:
        """All events of these streams, in order; none where one has not begun."""


class Done(Struct, frozen=True):
    """What became of the wishes, and a position that includes them; of a dry run, the events that would be written."""

    results: tuple[Result, ...]
    position: int
    changed: bool = False
    replayed: bool = False
    workspace_ids: Collection[UUID] = ()
    events: tuple[Foreseen, ...] = ()


class Handling:
    """Carries out commands. Several wishes in one call happen together or not at all."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._memory = Memory()
        self._lane = Lane(log, self._memory)
        self._loading = Loading(log, self._memory)
        self._in_flight: set[tuple[UUID, str]] = set()

    async def handle(self, order: Order) -> Done:
        """Decide and append; a race lost by a wish that named no version is run again, with jitter.

        So is one lost by a wish that may be rebased, where others changed other fields. A dry run heeds no keys.
        With keys that were used before, what came of it then is answered, and nothing happens; whether the
        actor may still see that is the caller's to ask. Raises the Refusal of the rule that said no,
        KeyReused where a key stands for something else, TwinInFlight where the same call is not done.
        """
        if order.dry or not order.keys:
            return await self._handle(order)
        with self.alone(order.actor, [key.text for key in order.keys]):
            try:
                return await self._handle(order)
            except Replayed as before:
                return _replayed(order, before)

    @contextlib.contextmanager
    def alone(self, actor: Actor, keys: Iterable[str]) -> Iterator[None]:
        """Nobody else carries out anything under one of these keys of the actor meanwhile; raises TwinInFlight."""
        names = {(actor.id, key) for key in keys}
        if names & self._in_flight:
            raise TwinInFlight
        self._in_flight |= names
        try:
            yield
        finally:
            self._in_flight -= names

    async def _handle(self, order: Order) -> Done:
        lost = 0
        while True:
            merged_with = len(order.since)
            try:
                verdict = await self._carried_out(order)
                if verdict.no is None:
                    return _done(order, verdict)
                order = await self._refuse(order, verdict.no)
            except Changed as changed:
                await self._look_again(order.wishes, changed)
            if len(order.since) > merged_with:
                continue  # a stream more: no race is lost twice yet
            lost += 1
            if lost == ATTEMPTS:
                raise TooBusy
            await asyncio.sleep(random.uniform(0, 0.001 * 2**lost))  # noqa: S311 - jitter, no secret

    async def _carried_out(self, order: Order) -> Verdict:
        while True:
            try:
                return await self._lane.carry_out(order)
            except NotLoaded as missing:
                await self._loading.load(missing)

    async def _look_again(self, wishes: Sequence[Wish], changed: Changed) -> None:
        """Read the targets that were taken for new; whatever else is old was forgotten, and is read when asked for."""
        for wish in wishes:
            if wish.command.creates and wish.target in changed.streams:
                await self._loading.load(NotLoaded(wish.target, wish.command.about))

    async def _refuse(self, order: Order, no: Refusal | Late) -> Order:
        """Raise the no of a rule; of a conflict only unless more has happened since, or the order can be merged."""
        if isinstance(no, Refusal):
            raise no
        history = (await self._log.load_streams([no.stream]))[no.stream]
        while no.is_about(history):
            try:
                conflict = no.told(history)
            except NotLoaded as missing:
                await self._loading.load(missing)
                continue
            if order.rebase and conflict.params["rebase_possible"]:
                return replace(order, since={**order.since, no.stream: no.since(history)})
            raise conflict
        self._memory.learn(no.stream, Known.of(history, []))
        return order


def _done(order: Order, verdict: Verdict) -> Done:
    """A position that includes it: where it changed nothing, the end of the log then, which includes what it found."""
    decision = verdict.decision
    found = results.of(order.wishes, decision)
    if order.dry:
        return Done(found, verdict.position, events=results.foreseen(decision))
    return Done(found, verdict.position, bool(decision.written))


def _replayed(order: Order, before: Replayed) -> Done:
    """What came of it the first time: all of it under one key, or each wish under its own."""
    if any(key.text in before.kept and before.kept[key.text].fingerprint != key.fingerprint for key in order.keys):
        raise KeyReused
    kept = [before.kept[key.text] for key in order.keys if key.wish is None and key.text in before.kept]
    if not kept:
        if {key.wish for key in order.keys if key.text in before.kept} != set(range(len(order.wishes))):
            raise KeyReused
        by_wish = sorted((key.wish or 0, key.text) for key in order.keys if key.wish is not None)
        kept = [before.kept[text] for _, text in by_wish]
    outcome = tuple(result for one in kept for result in results.decode(one.outcome))
    return Done(
        outcome,
        max(one.position for one in kept),
        replayed=True,
        workspace_ids={one.workspace_id for one in kept if one.workspace_id},
    )
