"""The append lane: what waits while an append is in flight rides the next one; an idle lane appends at once."""

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from msgspec import Struct

from commands import results
from commands.conflict import Late
from commands.decision import Decision, Wish
from commands.known import Ahead, Known, Memory
from commands.numbers import Numbers, Supply
from domain.errors import Refusal, TooBusy
from domain.event import UNTRACED, Actor, Event, Trace

MOST_TOGETHER = 128
MOST_WAITING = 2_000
"""Orders that may wait; the next one is refused with TooBusy, so that memory stays bounded."""
KEPT_EVERY = 200
"""How many events a stream grows by until its state is kept anew."""


class Key(Struct, frozen=True):
    """A client's own name for a call, or for one of its wishes: unique for the actor, with a digest of all it says."""

    text: str
    fingerprint: bytes
    wish: int | None = None


class Kept(Struct, frozen=True):
    """What the log keeps of a key: what it stood for, and what came of that."""

    text: str
    fingerprint: bytes
    outcome: bytes
    position: int
    workspace_id: UUID | None


class Append(Struct, frozen=True):
    """Events to be written together or not at all, if each stream seen is still at its version."""

    seen: dict[UUID, int]
    events: Sequence[tuple[UUID, Event]]
    actor: Actor
    command_id: UUID
    workspace_id: UUID | None
    outcomes: Sequence[tuple[Key, bytes | None]] = ()
    trace: Trace = UNTRACED


class Accepted(Struct, frozen=True):
    """All of it is written, and every version held; a position that includes it."""

    position: int


class Replayed(Exception):
    """Nothing of it is written: these of its keys were used before."""

    def __init__(self, kept: Sequence[Kept]) -> None:
        super().__init__(*(one.text for one in kept))
        self.kept = {one.text: one for one in kept}


class Changed(Exception):
    """Nothing of it is written: these streams, which the decision looked at, are at other versions by now."""

    def __init__(self, streams: Sequence[UUID] = ()) -> None:
        super().__init__(*streams)
        self.streams = streams


class Log(Protocol):
    """The event log, as writing needs it."""

    def keep(self, stream: UUID, known: Known) -> None:
        """Keep what is known of a long stream for whoever asks next; returns at once."""

    async def append(self, appends: Sequence[Append]) -> Sequence[Accepted | Exception]:
        """Judge them in order, each on what those before it leave, and write those that hold.

        What rides on one that failed fails too, whatever its versions. One answer each; an exception,
        Changed above all, where nothing of it is written.
        """


class Order(Struct, frozen=True):
    """The wishes of one call, fulfilled together or not at all: who asks, under which names, and where from."""

    wishes: Sequence[Wish]
    actor: Actor
    command_id: UUID
    keys: Sequence[Key] = ()
    trace: Trace = UNTRACED


class Verdict(Struct, frozen=True):
    """What a decision came to, true of the log: the decision, the position, the no of a rule if there was one."""

    decision: Decision
    position: int
    no: Refusal | Late | None


class Lane:
    """Decides orders in their turn and appends them in groups. One for each process; its task never dies.

    A decision that writes nothing rides along too, as a mere assertion of what it looked at: on a memory
    that is behind the log it would be an answer about the past.
    """

    def __init__(self, log: Log, memory: Memory) -> None:
        self._log = log
        self._memory = memory
        self._numbers = Numbers()
        self._waiting: deque[tuple[Order, asyncio.Future[Verdict]]] = deque()
        self._task: asyncio.Task[None] | None = None

    async def carry_out(self, order: Order) -> Verdict:
        """Decide and append; raises NotLoaded, Changed or TooBusy, and then nothing is written.

        Who is cancelled while waiting may have had their wish: the log alone knows.
        """
        if len(self._waiting) >= MOST_WAITING:
            raise TooBusy
        future: asyncio.Future[Verdict] = asyncio.get_running_loop().create_future()
        self._waiting.append((order, future))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run(), name="lane")
        return await future

    async def _run(self) -> None:
        while self._waiting:
            together = [self._waiting.popleft() for _ in range(min(len(self._waiting), MOST_TOGETHER))]
            try:
                orders = [one for one in together if not one[1].done()]
                await self._append(_Group(self._memory, self._numbers, orders))
            except Exception as error:  # noqa: BLE001 - whatever it is belongs to those who wait, not to the lane
                for _, future in together:
                    if not future.done():
                        future.set_exception(error)

    async def _append(self, group: "_Group") -> None:
        if not group.appends:
            return
        answers = await self._log.append(group.appends)
        for (future, decision, no), answer in zip(group.decided, answers, strict=True):
            if isinstance(answer, Exception):
                self._memory.forget(answer.streams if isinstance(answer, Changed) else decision.seen)
                _settle(future, answer)
                continue
            if decision.written and not no:
                self._learn(decision)
            group.keep_numbers(decision)
            _settle(future, Verdict(decision, answer.position, no))

    def _learn(self, decision: Decision) -> None:
        for stream in {stream for stream, _ in decision.written}:
            known = decision.leaves[stream]
            if known.version // KEPT_EVERY > decision.seen[stream] // KEPT_EVERY:
                self._log.keep(stream, known)
            self._memory.learn(stream, known)


class _Group:
    """Orders decided one after the other, each on what those before it leave."""

    def __init__(
        self, memory: Memory, numbers: Numbers, orders: Sequence[tuple[Order, asyncio.Future[Verdict]]]
    ) -> None:
        self.decided: list[tuple[asyncio.Future[Verdict], Decision, Refusal | Late | None]] = []
        self.appends: list[Append] = []
        self._ahead: dict[UUID, Known] = {}
        self._known = Ahead(self._ahead, memory)
        self._supply = Supply(numbers, sum(len(order.wishes) for order, _ in orders))
        self._takers: dict[UUID, Decision] = {}
        for order, future in orders:
            try:
                self._decide(order, future)
            except Exception as error:  # noqa: BLE001 - NotLoaded above all; whatever it is, it is this order's alone
                _settle(future, error)

    def _decide(self, order: Order, future: asyncio.Future[Verdict]) -> None:
        decision, no = Decision(self._known, order.actor, self._supply), None
        try:
            for wish in order.wishes:
                decision.make(wish)
        except (Refusal, Late) as refusal:
            no = refusal
            no.place = decision.made
        events = [] if no else decision.written
        self.appends.append(
            Append(
                decision.seen,
                events,
                order.actor,
                order.command_id,
                decision.workspace_id,
                [(key, None if no else _outcome(key, order.wishes, decision)) for key in order.keys],
                order.trace,
            )
        )
        self.decided.append((future, decision, no))
        if events:
            self._ahead.update(decision.leaves)
        if not no:
            for project, numbers in decision.taken.items():
                numbers.move(project, self._supply.coming)
                self._takers[project] = decision

    def keep_numbers(self, decision: Decision) -> None:
        """What is left of the blocks that came with a decision which was written."""
        for project in decision.taken:
            if self._takers.get(project) is decision:
                self._supply.coming.move(project, self._supply.in_hand)


def _outcome(key: Key, wishes: Sequence[Wish], decision: Decision) -> bytes:
    return results.encode(results.of(wishes if key.wish is None else [wishes[key.wish]], decision))


def _settle(future: asyncio.Future[Verdict], outcome: Verdict | Exception) -> None:
    """Tell whoever waits, if they still do."""
    if future.done():
        return
    if isinstance(outcome, Exception):
        future.set_exception(outcome)
    else:
        future.set_result(outcome)
