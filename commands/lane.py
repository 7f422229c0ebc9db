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
from commands.known import Ahead, Known, Memory, NotLoaded
from domain.errors import Refusal, TooBusy
from domain.event import Actor, Event

MOST_TOGETHER = 128
MOST_WAITING = 2_000
"""Orders that may wait; the next one is refused with TooBusy, so that memory stays bounded."""


class Key(Struct, frozen=True):
    """A client's own name for a request, unique for the actor, and a digest of all that the request says."""

    text: str
    fingerprint: bytes


class Append(Struct, frozen=True):
    """Events to be written together or not at all, if each stream seen is still at its version."""

    seen: dict[UUID, int]
    events: Sequence[tuple[UUID, Event]]
    actor: Actor
    command_id: UUID
    workspace_id: UUID | None
    key: Key | None = None
    outcome: bytes | None = None


class Accepted(Struct, frozen=True):
    """All of it is written, and every version held; a position that includes it."""

    position: int


class Replayed(Exception):
    """Nothing of it is written: the key was used before, for what then had this outcome."""

    def __init__(self, key: Key, outcome: bytes, position: int, workspace_id: UUID | None) -> None:
        super().__init__(key.text)
        self.key, self.outcome, self.position, self.workspace_id = key, outcome, position, workspace_id


class Changed(Exception):
    """Nothing of it is written: these streams, which the decision looked at, are at other versions by now."""

    def __init__(self, streams: Sequence[UUID] = ()) -> None:
        super().__init__(*streams)
        self.streams = streams


class Log(Protocol):
    """The event log, as writing needs it."""

    async def append(self, appends: Sequence[Append]) -> Sequence[Accepted | Exception]:
        """Judge them in order, each on what those before it leave, and write those that hold.

        What rides on one that failed fails too, whatever its versions. One answer each; an exception,
        Changed above all, where nothing of it is written.
        """


class Order(Struct, frozen=True):
    """The wishes of one call: fulfilled together or not at all."""

    wishes: Sequence[Wish]
    actor: Actor
    command_id: UUID
    key: Key | None = None


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
                await self._append(_Group(self._memory, [one for one in together if not one[1].done()]))
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
            for stream, known in decision.leaves.items():
                written = known.version > decision.seen[stream]
                self._memory.learn(stream, Known(known.version, answer.position, known.states) if written else known)
            _settle(future, Verdict(decision, answer.position, no))


class _Group:
    """Orders decided one after the other, each on what those before it leave."""

    def __init__(self, memory: Memory, orders: Sequence[tuple[Order, asyncio.Future[Verdict]]]) -> None:
        self.decided: list[tuple[asyncio.Future[Verdict], Decision, Refusal | Late | None]] = []
        self.appends: list[Append] = []
        self._ahead: dict[UUID, Known] = {}
        self._known = Ahead(self._ahead, memory)
        for order, future in orders:
            try:
                self._decide(order, future)
            except NotLoaded as missing:
                _settle(future, missing)

    def _decide(self, order: Order, future: asyncio.Future[Verdict]) -> None:
        decision, no = Decision(self._known, order.actor), None
        try:
            for wish in order.wishes:
                decision.make(wish)
        except (Refusal, Late) as refusal:
            no = refusal
        events = [] if no else decision.written
        self.appends.append(
            Append(
                decision.seen,
                events,
                order.actor,
                order.command_id,
                decision.workspace_id,
                order.key,
                results.encode(results.of(order.wishes, decision)) if order.key and not no else None,
            )
        )
        self.decided.append((future, decision, no))
        if events:
            self._ahead.update(decision.leaves)


def _settle(future: asyncio.Future[Verdict], outcome: Verdict | Exception) -> None:
    """Tell whoever waits, if they still do."""
    if future.done():
        return
    if isinstance(outcome, Exception):
        future.set_exception(outcome)
    else:
        future.set_result(outcome)
