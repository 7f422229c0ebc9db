"""A decision: what a request was decided on, which streams it read, and the events that it led to."""

from typing import Any, TypeVar, cast
from uuid import UUID

from commands import permissions
from commands.command import Command, OtherStreamEvent, require_found
from commands.handling.column_tasks import ColumnTasksNotLoaded
from commands.handling.command_on import CommandOn
from commands.handling.conflict import Intervening, StaleCommand
from commands.handling.decision_options import DecisionOptions
from commands.handling.stream_cache import NotLoaded, StreamState, StreamStateSource
from commands.handling.task_numbers import NumberBlocks, NumberPool
from domain.column import ColumnTasks
from domain.errors import (
    Contradicts,
    CrossesWorkspaces,
    Forbidden,
    IdTaken,
    NotFound,
    NothingMatches,
    Purged,
    Refusal,
    ScopeTooNarrow,
    StreamIsFull,
    VersionRequired,
)
from domain.event import Actor, Event, State
from domain.member import Member, member_stream_id
from domain.task import TaskNumbers, TaskNumbersTaken, places_of, task_numbers_stream_id
from domain.workspace import Workspace

S = TypeVar("S", bound=State)

MAX_STREAM_EVENTS = 50_000
"""The cap of a stream, except for commands with `events_over_cap`. Guard streams have none: they are never read from
the beginning."""


class Decision:
    """Commands decided one after the other, each on the states after those before it.

    `read_versions` has the version of every stream that was read. The append asserts them all, so a rule cannot look
    at a state without guarding it. Deciding can be repeated: it changes nothing but the pool of task numbers.
    """

    def __init__(
        self,
        states: StreamStateSource,
        actor: Actor,
        number_blocks: NumberBlocks | None = None,
        options: DecisionOptions = DecisionOptions(),  # noqa: B008 - it is frozen
    ) -> None:
        self.actor = actor
        self.target = actor.id
        self.decided_count = 0
        self.workspace_id: UUID | None = None
        self.read_versions: dict[UUID, int] = {}
        self.new_events: list[tuple[UUID, Event]] = []
        self.stream_states: dict[UUID, StreamState] = {}
        self.new_blocks: dict[UUID, NumberPool] = {}
        self.warnings: list[tuple[int, Refusal]] = []
        self._states = states
        self._number_blocks = number_blocks or NumberBlocks(NumberPool())
        self._options = options
        self._base_versions: dict[UUID, int] = {}

    def __call__(self, state_type: type[S], stream: UUID) -> S | None:
        states = self._read_and_guard(stream, state_type).states
        if state_type not in states:
            raise NotLoaded(stream, state_type)
        return cast("S | None", states[state_type])

    def require_permission(self, action: str) -> None:
        """Raise NotFound unless the actor is a member (or a rule), ScopeTooNarrow or Forbidden if it is not enough."""
        needs = permissions.REQUIRED_PERMISSIONS[action]
        if needs.rule_only and self.actor.kind != "rule":
            raise NotFound
        member = self._require_member(action) if needs.role else None
        if not permissions.is_scope_at_least(self._options.scope, needs.scope):
            raise ScopeTooNarrow(needed=needs.scope)
        if needs.role and member and not permissions.is_role_at_least(member.role, needs.role):
            raise Forbidden(needed=needs.role)

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
        self._add_event(task_numbers_stream_id(project_id), TaskNumbersTaken(first, last))
        self.new_blocks[project_id] = NumberPool()
        self.new_blocks[project_id].set(project_id, range(first + 1, last + 1))
        return first

    def column_tasks(self, project_id: UUID, column_id: str) -> ColumnTasks:
        """The tasks in a column, after the new events so far; raises ColumnTasksNotLoaded."""
        key = project_id, column_id
        try:
            queried = self._options.column_tasks[key]
        except KeyError:
            raise ColumnTasksNotLoaded(*key) from None
        total, ids = queried.total, dict.fromkeys(queried.ids)
        for stream, event in self.new_events:
            left, entered = places_of(event)
            if key in {left, entered} and left != entered:
                total += (entered == key) - (left == key)
                ids.update({stream: None})
        return ColumnTasks(total, tuple(ids))

    def version(self, stream: UUID) -> int:
        """The version of a stream that was read, with the new events so far; 0 if it has none."""
        return self.stream_states[stream].version

    def base_version(self, command: Command[Any]) -> int:
        """The version of the target that a command was made on: the one it names, minus new events of this request."""
        return (command.expected_version or 0) - (self.version(self.target) - self.read_versions[self.target])

    def warn(self, warning: Refusal) -> None:
        """Record a warning for the current command."""
        self.warnings.append((self.decided_count, warning))

    def decide(self, command_on: CommandOn) -> None:
        """Decide one more command; raises a Refusal or NotLoaded."""
        command, self.target = command_on.command, command_on.target
        state = self._load_target_state(command)
        if state is None and not (command.creates or command.may_create):
            raise NotFound
        self._authorise(command, state)
        before = self.version(command_on.target)
        if command.creates and before:
            raise IdTaken
        if self._options.allows_any_version and not before:
            raise NothingMatches
        if getattr(state, "purged", False):
            raise Purged
        intervening = self._check_version(command)
        for event in command.decide(state, self):
            if isinstance(event, OtherStreamEvent):
                self._add_event(event.stream, event.event)
            elif intervening is None or not intervening.overlaps(event):
                self._add_event(command_on.target, event)
        if before < self.version(command_on.target) > MAX_STREAM_EVENTS + command.events_over_cap:
            raise StreamIsFull(most=MAX_STREAM_EVENTS)
        self.decided_count += 1

    def _load_target_state(self, command: Command[State]) -> State | None:
        """The state of the target. A command that creates takes an uncached stream for a new one."""
        if command.creates and self.target not in self.stream_states and self._states.get(self.target) is None:
            self.read_versions[self.target] = 0
            self.stream_states[self.target] = StreamState(states={command.state_type: None})
            return None
        return self(command.state_type, self.target)

    def _authorise(self, command: Command[State], state: State | None) -> None:
        previous_workspace_id = self.workspace_id
        self.workspace_id = command.resolve_workspace_id(state, self)
        self.require_permission(type(command).__name__)
        if self.decided_count and previous_workspace_id != self.workspace_id:
            raise CrossesWorkspaces

    def _require_member(self, action: str) -> Member:
        """The actor's membership in the workspace, unless that is in the trash; the append asserts both.

        Raises NotFound.
        """
        workspace_id = require_found(self.workspace_id)
        member = require_found(self(Member, member_stream_id(workspace_id, self.actor.user_id)))
        workspace = self(Workspace, workspace_id)
        if workspace and workspace.trashed and action not in permissions.OPERATIONS_IN_TRASH:
            raise NotFound
        return member

    def _check_version(self, command: Command[State]) -> Intervening | None:
        """What others did since the version that the command names, if the command can be merged with it.

        All commands of a request on one stream were made on one version.
        """
        if command.expected_version is None:
            if command.requires_version and not self._options.allows_any_version:
                raise VersionRequired
            return None
        base, seen = self.base_version(command), self.read_versions[self.target]
        first_base_version = self._base_versions.setdefault(self.target, base)
        if base == first_base_version == seen:
            return None
        if self._is_contradiction(base, first_base_version):
            raise Contradicts(version=self.version(self.target))
        own_events = [event for stream, event in self.new_events if stream == self.target]
        stale = StaleCommand(self.target, command, base, seen, own_events, self, self.workspace_id)
        intervening = self._options.intervening and self._options.intervening.get(self.target)
        if (
            intervening
            and (intervening.base_version, intervening.current_version) == (base, seen)
            and intervening.compare(stale)[1]
        ):
            return intervening
        raise stale.refusal()

    def _is_contradiction(self, base_version: int, first_base_version: int) -> bool:
        """Whether others cannot have caused the mismatch: this request wrote to the stream, or names two versions."""
        seen = self.read_versions[self.target]
        wrote = self.version(self.target) != seen
        if self._options.intervening is None:
            return wrote
        return base_version != first_base_version or (wrote and not 0 <= base_version < seen)

    def _read_and_guard(self, stream: UUID, state_type: type[State]) -> StreamState:
        """The stream with the new events so far; from now on the append asserts it."""
        known = self.stream_states.get(stream)
        if known is None:
            known = self._states.get(stream)
            if known is None:
                raise NotLoaded(stream, state_type)
            self.read_versions[stream], self.stream_states[stream] = known.version, known
        return known

    def _add_event(self, stream: UUID, event: Event) -> None:
        self.stream_states[stream] = self._read_and_guard(stream, State).with_event(event)
        self.new_events.append((stream, event))
