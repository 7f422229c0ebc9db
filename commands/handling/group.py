"""A group: requests that are decided one after the other and appended together."""

import asyncio
from collections.abc import Mapping
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from commands.handling import each, results
from commands.handling.append import Append
from commands.handling.command_on import CommandOn
from commands.handling.conflict import Intervening
from commands.handling.decision import Decision
from commands.handling.decision_options import DecisionOptions
from commands.handling.idempotency import IdempotencyKey
from commands.handling.request import CommandRequest
from commands.handling.stream_cache import Overlay, StreamCache, StreamState
from commands.handling.task_numbers import NumberBlocks
from domain.errors import Refusal
from domain.event import Event


class DecisionOutcome(Struct, frozen=True):
    """A decision that the log has confirmed: its position, and the refusal of a rule, if any."""

    decision: Decision
    position: int
    refusal: Refusal | None


QueuedRequest = tuple[CommandRequest, asyncio.Future[DecisionOutcome]]
"""A request, and the future of its caller."""


class PendingDecision(Struct, frozen=True):
    """A decision in a group before the append, with the refusal of a rule, if any, and the future of its caller."""

    future: asyncio.Future[DecisionOutcome]
    decision: Decision
    refusal: Refusal | None


class DecisionGroup:
    """Requests, each decided on the states after those before it."""

    def __init__(self, cache: StreamCache, number_blocks: NumberBlocks) -> None:
        self.requests: list[QueuedRequest] = []
        self.event_count = 0
        self.pending: list[PendingDecision] = []
        self.appends: list[Append] = []
        self._stream_states: dict[UUID, StreamState] = {}
        self._states = Overlay(self._stream_states, cache)
        self._number_blocks = number_blocks
        self._block_owners: dict[UUID, Decision] = {}

    def add(self, request: CommandRequest, future: asyncio.Future[DecisionOutcome]) -> None:
        """Decide one more request; if that fails, mostly for a stream not loaded, its caller gets the error."""
        try:
            self._decide(request, future)
        except Exception as error:  # noqa: BLE001 - it concerns this request alone
            settle(future, error)
        else:
            self.requests.append((request, future))

    def release_numbers(self, decision: Decision) -> None:
        """Make the rest of the blocks of a written decision available."""
        for project in decision.new_blocks:
            if self._block_owners.get(project) is decision:
                self._number_blocks.pending.move_to(project, self._number_blocks.available)

    def _decide(self, request: CommandRequest, future: asyncio.Future[DecisionOutcome]) -> None:
        is_trial = request.is_dry_run or request.proposal is not None
        supply = self._number_blocks.copy() if is_trial else self._number_blocks
        states = Overlay(request.assumed_states, self._states) if request.assumed_states else self._states
        options = DecisionOptions(
            request.scope,
            self._intervening(request),
            request.allows_any_version,
            request.column_tasks,
            request.decided_as or request.command_id,
            request.member_names,
        )
        decision, refusal = Decision(states, request.actor, supply, options), None
        try:
            for command_on in request.commands:
                (decision.decide_or_skip if request.skips_refused else decision.decide)(command_on)
            if request.proposal:
                _propose(request.proposal, decision)
        except Refusal as error:
            refusal = error
            refusal.command_index = decision.decided_count
        events = [] if refusal or request.is_dry_run else decision.new_events
        keys = () if request.is_dry_run else request.idempotency_keys
        self.appends.append(
            Append(
                decision.read_versions,
                events,
                request.actor,
                request.command_id,
                decision.workspace_id,
                [(key, None if refusal else _encode_outcome(key, request, decision)) for key in keys],
                request.trace,
            )
        )
        self.pending.append(PendingDecision(future, decision, refusal))
        self.event_count += len(events)
        if events:
            self._stream_states.update(decision.stream_states)
        if not refusal and not request.is_dry_run:
            for project, numbers in decision.new_blocks.items():
                numbers.move_to(project, self._number_blocks.pending)
                self._block_owners[project] = decision

    def _intervening(self, request: CommandRequest) -> Mapping[UUID, Intervening] | None:
        """The intervening events, with those of requests decided earlier in this group; None without rebase."""
        if not request.can_rebase:
            return None
        return {
            stream: since.with_events(self._group_events(stream)) if stream in self._stream_states else since
            for stream, since in request.intervening.items()
        }

    def _group_events(self, stream: UUID) -> list[Event]:
        return [event for append in self.appends for at, event in append.events if at == stream]


def settle(future: asyncio.Future[DecisionOutcome], outcome: DecisionOutcome | Exception) -> None:
    """Resolve the future, unless its caller has gone."""
    if future.done():
        return
    if isinstance(outcome, Exception):
        future.set_exception(outcome)
    else:
        future.set_result(outcome)


def _encode_outcome(key: IdempotencyKey, request: CommandRequest, decision: Decision) -> bytes:
    if request.skips_refused:
        return each.encode(decision)
    found = results.from_decision(request.commands_to_write, decision)
    return results.encode(found if key.command_index is None else [found[key.command_index]])


def _propose(proposal: CommandOn, decision: Decision) -> None:
    """Decide the proposal of what was decided so far, in place of that."""
    decision.decide(replace(proposal, command=replace(proposal.command, events=decision.set_aside())))
