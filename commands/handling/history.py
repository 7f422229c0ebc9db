"""A history: commands of the past, each decided on what those before it leave, to be appended as a whole."""

from collections.abc import Sequence
from datetime import datetime
from typing import TypeVar, cast
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from commands.handling.append import Append
from commands.handling.command_on import CommandOn
from commands.handling.decision import Decision
from commands.handling.decision_options import DecisionOptions
from commands.handling.loader import StateReader, StreamLoader
from commands.handling.stream_cache import NotLoaded, Overlay, StreamCache, StreamState
from commands.handling.task_numbers import NumberBlocks, NumberPool
from domain.event import Actor, Event, State

S = TypeVar("S", bound=State)


class PastRequest(Struct, frozen=True):
    """Commands that were carried out together elsewhere: by an actor, at a time; without one, now."""

    commands: Sequence[CommandOn]
    actor: Actor
    command_id: UUID
    at: datetime | None


class _OneBlock(NumberBlocks):
    """All numbers of the one project are taken at once: it is new, and no other process takes any."""

    def __init__(self, tasks: int) -> None:
        super().__init__(NumberPool())
        self._tasks = tasks

    def next_block_size(self, project_id: UUID) -> int:
        del project_id
        return max(1, self._tasks)


class History:
    """Decides the requests of a new project one after the other; `appends` are what they led to.

    Nothing is written, so that the streams are as if no other process had seen them.
    """

    def __init__(self, log: StateReader, tasks: int) -> None:
        """`tasks` is how many numbers of tasks are needed."""
        self.appends: list[Append] = []
        self.event_count = 0
        self._cache = StreamCache()
        self._loader = StreamLoader(log, self._cache)
        self._new_states: dict[UUID, StreamState] = {}
        self._states = Overlay(self._new_states, self._cache)
        self._number_blocks = _OneBlock(tasks)

    async def decide(self, request: PastRequest) -> Sequence[tuple[UUID, Event]]:
        """The events of one more request; raises the Refusal of a rule, and then it leaves nothing behind."""
        while True:
            try:
                decision = self._decide(request)
            except NotLoaded as missing:
                await self._loader.load(missing)
            else:
                self._add(request, decision)
                return decision.new_events

    def state(self, state_type: type[S], stream: UUID) -> S | None:
        """The state of a stream that a request has written to."""
        known = self._new_states.get(stream)
        return cast("S | None", known.states.get(state_type)) if known else None

    def _decide(self, request: PastRequest) -> Decision:
        options = DecisionOptions(command_id=request.command_id)
        decision = Decision(self._states, request.actor, self._number_blocks, options)
        for command_on in request.commands:
            decision.decide(self._with_version(command_on, decision))
        return decision

    def _with_version(self, command_on: CommandOn, decision: Decision) -> CommandOn:
        """The command with the version of its target, which no other command has changed since."""
        target, command = command_on.target, command_on.command
        known = decision.stream_states.get(target) or self._states.get(target)
        if command.creates or known is None:
            return command_on
        return CommandOn(target, replace(command, expected_version=known.version))

    def _add(self, request: PastRequest, decision: Decision) -> None:
        self._new_states.update((stream, decision.stream_states[stream]) for stream, _ in decision.new_events)
        for project, numbers in decision.new_blocks.items():
            numbers.move_to(project, self._number_blocks.available)
        self.event_count += len(decision.new_events)
        self.appends.append(
            Append(
                decision.read_versions,
                decision.new_events,
                request.actor,
                request.command_id,
                decision.workspace_id,
                at=request.at,
            )
        )
