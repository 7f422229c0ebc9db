"""A group: orders that are decided one after the other and appended together."""

import asyncio
from collections.abc import Mapping, Sequence
from uuid import UUID

from msgspec import Struct

from commands.handling import results
from commands.handling.append import Append, Key
from commands.handling.conflict import Late, Since
from commands.handling.decision import Decision, Wish
from commands.handling.stream_cache import Ahead, Known, Memory
from commands.handling.task_numbers import Supply
from domain.errors import Refusal
from domain.event import UNTRACED, Actor, Event, Trace
from domain.user import Scope


class Order(Struct, frozen=True):
    """The wishes of one call, fulfilled together or not at all: who asks, under which names, where from, how far.

    Where it is `dry`, all is decided and nothing is written; what would be written first, for it to be decided at all,
    is `assumed`. With `rebase` a wish that lost a race is merged with what others did, as far as that is read: `since`.
    """

    wishes: Sequence[Wish]
    actor: Actor
    command_id: UUID
    keys: Sequence[Key] = ()
    trace: Trace = UNTRACED
    scope: Scope = "admin"
    dry: bool = False
    rebase: bool = False
    since: Mapping[UUID, Since] = {}
    assumed: Mapping[UUID, Known] = {}


class Verdict(Struct, frozen=True):
    """What a decision came to, true of the log: the decision, the position, the no of a rule if there was one."""

    decision: Decision
    position: int
    no: Refusal | Late | None


Ordered = tuple[Order, asyncio.Future[Verdict]]
"""An order, and who waits for it."""


class Decided(Struct, frozen=True):
    """A decision in its place in a group, with the no of a rule if there was one, and who waits for it."""

    future: asyncio.Future[Verdict]
    decision: Decision
    no: Refusal | Late | None


class Group:
    """Each order is decided on what those before it leave."""

    def __init__(self, memory: Memory, supply: Supply) -> None:
        self.orders: list[Ordered] = []
        self.events = 0
        self.decided: list[Decided] = []
        self.appends: list[Append] = []
        self._leaves: dict[UUID, Known] = {}
        self._known = Ahead(self._leaves, memory)
        self._supply = supply
        self._takers: dict[UUID, Decision] = {}

    def add(self, order: Order, future: asyncio.Future[Verdict]) -> None:
        """Decide one more; whoever cannot be decided, for want of a stream above all, is told and left out."""
        try:
            self._decide(order, future)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is this order's alone
            settle(future, error)
        else:
            self.orders.append((order, future))

    def keep_numbers(self, decision: Decision) -> None:
        """What is left of the blocks that came with a decision which was written."""
        for project in decision.taken:
            if self._takers.get(project) is decision:
                self._supply.coming.move(project, self._supply.in_hand)

    def _decide(self, order: Order, future: asyncio.Future[Verdict]) -> None:
        supply = self._supply.copy() if order.dry else self._supply
        known = Ahead(order.assumed, self._known) if order.assumed else self._known
        decision, no = Decision(known, order.actor, supply, order.scope, self._since(order)), None
        try:
            for wish in order.wishes:
                decision.make(wish)
        except (Refusal, Late) as refusal:
            no = refusal
            no.place = decision.made
        events = [] if no or order.dry else decision.written
        keys = () if order.dry else order.keys
        self.appends.append(
            Append(
                decision.seen,
                events,
                order.actor,
                order.command_id,
                decision.workspace_id,
                [(key, None if no else _outcome(key, order.wishes, decision)) for key in keys],
                order.trace,
            )
        )
        self.decided.append(Decided(future, decision, no))
        self.events += len(events)
        if events:
            self._leaves.update(decision.leaves)
        if not no and not order.dry:
            for project, numbers in decision.taken.items():
                numbers.move(project, self._supply.coming)
                self._takers[project] = decision

    def _since(self, order: Order) -> Mapping[UUID, Since] | None:
        """What others did, with what they do who were decided before it in this group; None where nobody asks."""
        if not order.rebase:
            return None
        return {
            stream: since.then(self._written(stream)) if stream in self._leaves else since
            for stream, since in order.since.items()
        }

    def _written(self, stream: UUID) -> list[Event]:
        return [event for append in self.appends for at, event in append.events if at == stream]


def settle(future: asyncio.Future[Verdict], outcome: Verdict | Exception) -> None:
    """Tell whoever waits, if they still do."""
    if future.done():
        return
    if isinstance(outcome, Exception):
        future.set_exception(outcome)
    else:
        future.set_result(outcome)


def _outcome(key: Key, wishes: Sequence[Wish], decision: Decision) -> bytes:
    found = results.of(wishes, decision)
    return results.encode(found if key.wish is None else [found[key.wish]])
