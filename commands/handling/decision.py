"""A decision: what a request was decided on, which streams it read, and the events that it led to."""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct

from commands.command import Command, OtherStreamEvent
from commands.handling import command_ids
from commands.handling.authorisation import require_permission
from commands.handling.column_tasks import ColumnTasksKey, ColumnTasksNotLoaded, with_new_events
from commands.handling.command_on import CommandOn
from commands.handling.conflict import Intervening, StaleCommand
from commands.handling.decision_options import DecisionOptions
from commands.handling.guarded_states import GuardedStates
from commands.handling.member_names import MemberNamesNotLoaded
from commands.handling.stream_cache import StreamStateSource
from commands.handling.task_numbers import NumberBlocks, NumberPool
from commands.proposal import is_proposable
from domain.column import ColumnTasks
from domain.errors import (
    ColumnNotCounted,
    Contradicts,
    CrossesWorkspaces,
    IdTaken,
    NotFound,
    NothingMatches,
    Purged,
    Refusal,
    StreamIsFull,
    VersionRequired,
)
from domain.event import Actor, State
from domain.mention import PersonName
from domain.planned_event import PlannedEvent
from domain.rank import first_rank, last_rank
from domain.task import TaskNumbers, TaskNumbersTaken, TaskStatus, task_numbers_stream_id

MAX_STREAM_EVENTS = 50_000
"""The cap of a stream, except for commands with `events_over_cap`. Guard streams have none: they are never read from
the beginning."""


class Decision(GuardedStates):
    """Commands decided one after the other, each on the states after those before it.

    Deciding can be repeated: it changes nothing but the pool of task numbers.
    """

    def __init__(
        self,
        states: StreamStateSource,
        actor: Actor,
        number_blocks: NumberBlocks | None = None,
        options: DecisionOptions = DecisionOptions(),  # noqa: B008 - it is frozen
    ) -> None:
        super().__init__(states)
        self.actor = actor
        self.target = actor.id
        self.decided_count = 0
        self.workspace_id: UUID | None = None
        self.changing: list[int] = []
        self.skipped: dict[int, Refusal] = {}
        self.new_blocks: dict[UUID, NumberPool] = {}
        self.warnings: list[tuple[int, Refusal]] = []
        self.reports: dict[int, Struct] = {}
        self._number_blocks = number_blocks or NumberBlocks(NumberPool())
        self._options = options
        self._base_versions: dict[UUID, int] = {}
        self._version_before = self._new_ids = self._new_ranks = 0

    def require_permission(self, action: str) -> None:
        """Raise NotFound unless the actor is a member (or a rule), ScopeTooNarrow or Forbidden if it is not enough."""
        require_permission(action, self.actor, self._options.scope, self.workspace_id, self)

    @property
    def now(self) -> datetime:
        """When the request was received."""
        return command_ids.time_of(self._options.command_id)

    def new_id(self) -> UUID:
        """A UUIDv7 for something that the current command creates beside its target."""
        self._new_ids += 1
        return command_ids.derived_id(self._options.command_id, self.target, self._version_before, self._new_ids)

    def new_rank(self, *, is_first: bool) -> str:
        """The rank of a task that is put first or last in its project."""
        self._new_ranks += 1
        return (first_rank if is_first else last_rank)(self._options.command_id, self._new_ranks)

    def allocate_task_number(self, project_id: UUID) -> int:
        """A new task number of that project: from the pool, or from a block that is taken with this decision."""
        number = self._number_blocks.available.allocate(project_id)
        if number is not None:
            return number
        numbers = self(TaskNumbers, task_numbers_stream_id(project_id)) or TaskNumbers()
        block = self.new_blocks.get(project_id, self._number_blocks.pending)
        number = block.allocate(project_id)
        if number is not None:
            return number
        first, last = numbers.last + 1, numbers.last + self._number_blocks.next_block_size(project_id)
        self.add_event(task_numbers_stream_id(project_id), TaskNumbersTaken(first, last))
        self.new_blocks[project_id] = NumberPool()
        self.new_blocks[project_id].set(project_id, range(first + 1, last + 1))
        return first

    def column_tasks(self, project_id: UUID, column_id: str, status: TaskStatus | None = None) -> ColumnTasks:
        """The tasks in a column, those of any status after the new events so far; raises ColumnTasksNotLoaded."""
        key = ColumnTasksKey(project_id, column_id, status)
        return self._queried_tasks(key) if status else with_new_events(self._queried_tasks(key), key, self.new_events)

    def board_tasks(self, project_id: UUID) -> ColumnTasks:
        """The tasks on a board; raises ColumnTasksNotLoaded."""
        return self._queried_tasks(ColumnTasksKey(project_id, None))

    def _queried_tasks(self, key: ColumnTasksKey) -> ColumnTasks:
        try:
            return self._options.column_tasks[key]
        except KeyError:
            raise ColumnTasksNotLoaded(key) from None

    def member_names(self, workspace_id: UUID) -> Mapping[UUID, PersonName]:
        """The names of the members of a workspace. Raises MemberNamesNotLoaded."""
        try:
            return self._options.member_names[workspace_id]
        except KeyError:
            raise MemberNamesNotLoaded(workspace_id) from None

    def base_version(self, command: Command[Any]) -> int:
        """The version of the target that a command was made on: the one it names, minus new events of this request."""
        return (command.expected_version or 0) - (self.version(self.target) - self.read_versions[self.target])

    def warn(self, warning: Refusal) -> None:
        """Record a warning for the current command."""
        self.warnings.append((self.decided_count, warning))

    def report(self, report: Struct) -> None:
        """Record the report of the current command."""
        self.reports[self.decided_count] = report

    def decide(self, command_on: CommandOn) -> None:
        """Decide one more command; raises a Refusal or NotLoaded."""
        command, self.target = command_on.command, command_on.target
        state = self._load_target_state(command)
        if state is None and not (command.creates or command.may_create):
            raise NotFound
        self._authorise(command, state)
        before = self.version(command_on.target)
        self._version_before, self._new_ids = before, 0
        if command.creates and before:
            raise IdTaken
        if self._options.allows_any_version and not before:
            raise NothingMatches
        if getattr(state, "purged", False):
            raise Purged
        intervening = self._check_version(command, state)
        for event in command.decide(state, self):
            if isinstance(event, OtherStreamEvent):
                self.add_event(event.stream, event.event)
            elif intervening is None or not intervening.overlaps(event):
                self.add_event(command_on.target, event)
        if before < self.version(command_on.target) > MAX_STREAM_EVENTS + command.events_over_cap:
            raise StreamIsFull(most=MAX_STREAM_EVENTS)
        self.decided_count += 1

    def decide_or_skip(self, command_on: CommandOn) -> None:
        """Decide one more command; a refused one leaves nothing behind but its refusal. Raises NotLoaded.

        The indexes of those that led to events are in `changing`, the refusals of others in `skipped`.
        """
        states, blocks, workspace_id = dict(self.stream_states), dict(self.new_blocks), self.workspace_id
        event_count, warning_count = len(self.new_events), len(self.warnings)
        try:
            self.decide(command_on)
        except ColumnNotCounted:
            raise
        except Refusal as refusal:
            self.restore_states(states, event_count)
            self.new_blocks, self.workspace_id = blocks, workspace_id
            del self.warnings[warning_count:]
            self.skipped[self.decided_count] = refusal
            self.decided_count += 1
        else:
            if len(self.new_events) > event_count:
                self.changing.append(self.decided_count - 1)

    def set_aside(self) -> tuple[PlannedEvent, ...]:
        """Take all new events back, and return those that a proposal shows; what was read stays guarded."""
        planned = tuple(
            one for one, (_, event) in zip(self.planned_events(), self.new_events, strict=True) if is_proposable(event)
        )
        self.restore_states({}, 0)
        self.new_blocks, self.warnings, self.reports = {}, [], {}
        return planned

    def planned_events(self) -> Iterator[PlannedEvent]:
        """The new events, those of guard streams too, with their versions, in the order of the log."""
        versions = Counter(self.read_versions)
        for stream, event in self.new_events:
            versions[stream] += 1
            yield PlannedEvent.of(stream, event, versions[stream])

    def _load_target_state(self, command: Command[State]) -> State | None:
        """The state of the target. A command that creates takes an uncached stream for a new one."""
        if command.creates and self.read_as_new(self.target, command.state_type):
            return None
        return self(command.state_type, self.target)

    def _authorise(self, command: Command[State], state: State | None) -> None:
        previous_workspace_id = self.workspace_id
        self.workspace_id = command.resolve_workspace_id(state, self)
        self.require_permission(type(command).__name__)
        if self.decided_count > len(self.skipped) and previous_workspace_id != self.workspace_id:
            raise CrossesWorkspaces

    def _check_version(self, command: Command[State], state: State | None) -> Intervening | None:
        """What others did since the version that the command names, if the command can be merged with it.

        All commands of a request on one stream were made on one version.
        """
        if command.expected_version is None:
            if not self._options.allows_any_version and command.needs_version(state, self):
                raise VersionRequired
            return None
        base, seen = self.base_version(command), self.read_versions[self.target]
        first_base_version = self._base_versions.setdefault(self.target, base)
        if base == first_base_version == seen:
            return None
        if self._is_contradiction(base, first_base_version):
            raise Contradicts(version=self.version(self.target))
        return self._merge_or_refuse(self._stale_command(command, base))

    def _merge_or_refuse(self, stale: StaleCommand) -> Intervening:
        intervening = self._options.intervening and self._options.intervening.get(self.target)
        if intervening and intervening.can_merge(stale):
            return intervening
        raise stale.refusal()

    def _stale_command(self, command: Command[State], base_version: int) -> StaleCommand:
        own_events = [event for stream, event in self.new_events if stream == self.target]
        seen = self.read_versions[self.target]
        return StaleCommand(self.target, command, base_version, seen, own_events, self, self.workspace_id)

    def _is_contradiction(self, base_version: int, first_base_version: int) -> bool:
        """Whether others cannot have caused the mismatch: this request wrote to the stream, or names two versions."""
        seen = self.read_versions[self.target]
        wrote = self.version(self.target) != seen
        if self._options.intervening is None:
            return wrote
        return base_version != first_base_version or (wrote and not 0 <= base_version < seen)
