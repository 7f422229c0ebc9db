"""Planted defects: mutations of the code under test, each of which a check must detect.

A check that stays green under its defect is worthless. A new defect is one function that breaks the code as a
careless change would.
"""

from collections.abc import Awaitable, Callable, Iterator
from typing import Any, TypeVar
from uuid import UUID

import msgspec
import pytest

from commands import permissions
from commands.column import CountColumn
from commands.command import Command, DecisionContext, OtherStreamEvent, require_found
from commands.handling.append import Append
from commands.handling.conflict import Intervening
from commands.handling.decision import Decision
from commands.handling.group import DecisionGroup
from commands.handling.request import CommandRequest
from commands.handling.stream_cache import StreamState
from commands.handling.task_numbers import NumberBlocks
from commands.saved_filter import DeleteFilter
from commands.task import CompleteTask
from domain import codec
from domain.column import Column, ColumnCount, ColumnCounted, column_stream_id
from domain.errors import ColumnIsFull
from domain.event import Event, State, changes
from domain.member import Member, member_stream_id
from domain.project import Project
from domain.saved_filter import FilterDeleted, SavedFilter
from domain.task import Task, TaskCompleted, TaskCreated
from infra.identity.hashing import HashingTurns
from projections.question import Question, single_table_question
from projections.saved_filter_list import SavedFilterRow
from tests.law import planted_defect

R = TypeVar("R", bound=msgspec.Struct)


def assert_check_fails(check: Callable[[], None]) -> AssertionError:
    """Run the check, which must raise an AssertionError, and return the error."""
    with planted_defect(), pytest.raises(AssertionError) as raised:
        check()
    return raised.value


async def assert_async_check_fails(check: Callable[[], Awaitable[None]]) -> None:
    with pytest.raises(AssertionError):
        await check()


def an_evolve_that_drops_a_change(patch: pytest.MonkeyPatch) -> None:
    def applied(record: R, event: Event) -> R:
        news = {name: change.new for name, change in changes(event).items() if name in record.__struct_fields__}
        news.pop("due", None)
        return msgspec.structs.replace(record, **news)

    patch.setattr("domain.event.apply_changes", applied)


def an_evolve_that_forgets_a_field(
    patch: pytest.MonkeyPatch, event_type: type[Event], state_type: type[State], field: str
) -> None:
    evolve = state_type.evolve

    def forgetful(state: State | None, event: Event) -> State | None:
        after = evolve(state, event)
        if state and after and isinstance(event, event_type):
            return msgspec.structs.replace(after, **{field: getattr(state, field)})
        return after

    patch.setattr(state_type, "evolve", forgetful)


def an_evolve_that_validates(patch: pytest.MonkeyPatch) -> None:
    def applied(record: R, event: Event) -> R:
        if isinstance(event, TaskCompleted) and getattr(record, "status", "open") != "open":
            raise ValueError("completed twice")
        return record

    patch.setattr("domain.event.apply_changes", applied)


def a_codec_that_loses_a_field(patch: pytest.MonkeyPatch) -> None:
    encode = codec.encode

    def forgetful(event: Event) -> bytes:
        fields = msgspec.json.decode(encode(event))
        if isinstance(event, TaskCreated):
            del fields["labels"]
        return msgspec.json.encode(fields)

    patch.setattr("domain.codec.encode", forgetful)


def a_stored_name_that_changed(patch: pytest.MonkeyPatch) -> None:
    known = codec.all_event_types()
    known["TaskTitled"] = known.pop("TaskRenamed")
    patch.setattr("domain.codec.all_event_types", lambda: known)


def a_stored_field_that_was_renamed(patch: pytest.MonkeyPatch) -> None:
    encode = codec.encode
    patch.setattr("domain.codec.encode", lambda event: encode(event).replace(b'"due":', b'"due_date":'))


def a_membership_read_without_a_guard(patch: pytest.MonkeyPatch) -> None:
    authorise = Decision._authorise  # noqa: SLF001 - the defect belongs in this method

    def unguarded(decision: Decision, command: Command[State], state: State | None) -> None:
        authorise(decision, command, state)
        if decision.workspace_id:
            decision.read_versions.pop(member_stream_id(decision.workspace_id, decision.actor.user_id), None)

    patch.setattr(Decision, "_authorise", unguarded)


def an_authorization_open_to_non_members(patch: pytest.MonkeyPatch) -> None:
    def unguarded(decision: Decision, command: Command[State], state: State | None) -> None:
        decision.workspace_id = command.resolve_workspace_id(state, decision)
        if decision.workspace_id and permissions.REQUIRED_PERMISSIONS[type(command).__name__].role:
            decision(Member, member_stream_id(decision.workspace_id, decision.actor.id))

    patch.setattr(Decision, "_authorise", unguarded)


def an_unchecked_expected_version(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Decision, "_check_version", lambda *_: None)


def an_append_without_version_checks(patch: pytest.MonkeyPatch) -> None:
    def careless(seen: object, *rest: object) -> Append:
        return Append({}, *rest)  # type: ignore[arg-type]

    patch.setattr("commands.handling.group.Append", careless)


def a_command_applied_twice(patch: pytest.MonkeyPatch) -> None:
    def decide(command: CompleteTask, state: Task, given: DecisionContext) -> Iterator[Event | OtherStreamEvent]:
        yield TaskCompleted(state.project_id, state.column)

    patch.setattr(CompleteTask, "decide", decide)


def a_dry_run_that_writes(patch: pytest.MonkeyPatch) -> None:
    decide = DecisionGroup._decide  # noqa: SLF001 - as above

    def wet(group: DecisionGroup, order: CommandRequest, future: Any) -> None:
        decide(group, msgspec.structs.replace(order, is_dry_run=False), future)

    patch.setattr(DecisionGroup, "_decide", wet)


def a_dry_run_that_allocates_numbers(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(NumberBlocks, "copy", lambda supply: supply)


def a_rebase_that_merges_the_same_field(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Intervening, "compare", lambda *_: ([], True))


def a_rebase_that_overwrites_unchanged_fields(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Intervening, "overlaps", lambda *_: False)


def a_batch_that_ignores_its_earlier_commands(patch: pytest.MonkeyPatch) -> None:
    """Decide each command of a call on the states before the call, ignoring the commands before it."""

    def stored(decision: Decision, stream: UUID, kind: type[State]) -> StreamState:
        look(decision, stream, kind)
        return require_found(decision._states.get(stream))  # noqa: SLF001 - as below

    look = Decision._read_and_guard  # noqa: SLF001 - as above
    patch.setattr(Decision, "_read_and_guard", stored)


def a_column_count_without_a_guard(patch: pytest.MonkeyPatch) -> None:
    """A task that enters a column checks the cached count, and neither asserts nor moves the column's guard."""

    def entering(
        project_id: UUID, project: Project, column: Column, given: DecisionContext
    ) -> Iterator[OtherStreamEvent]:
        assert isinstance(given, Decision)
        known = given._states.get(column_stream_id(project_id, column.id))  # noqa: SLF001 - as above
        count = known.states.get(ColumnCount) if known else None
        if column.wip_limit and isinstance(count, ColumnCount) and (count.tasks or 0) >= column.wip_limit:
            raise ColumnIsFull(column=column.id, limit=column.wip_limit, tasks=count.tasks)
        yield from ()

    patch.setattr("commands.task.fields.enter_column", entering)


def a_stale_column_count(patch: pytest.MonkeyPatch) -> None:
    """A count is recorded even if a task entered or left the column since it was taken."""

    def decide(command: CountColumn, _: State, given: DecisionContext) -> Iterator[OtherStreamEvent]:
        guard = column_stream_id(given.target, command.column)
        given(ColumnCount, guard)
        yield OtherStreamEvent(guard, ColumnCounted(command.tasks))

    patch.setattr(CountColumn, "decide", decide)


def a_filter_readable_by_anyone(patch: pytest.MonkeyPatch) -> None:
    """Any user who knows a filter's id can use it."""
    patch.setattr("commands.saved_filter.FilterCommand.resolve_workspace_id", lambda *_: None)


def a_deletion_that_is_not_counted(patch: pytest.MonkeyPatch) -> None:
    def decide(_: DeleteFilter, state: SavedFilter, given: DecisionContext) -> Iterator[Event]:
        del given
        yield FilterDeleted(state.name)

    patch.setattr(DeleteFilter, "decide", decide)


def one_queue_for_all_hashing(patch: pytest.MonkeyPatch) -> None:
    """All wait in one line, whatever for and from where."""
    wait = HashingTurns._wait_for_slot  # noqa: SLF001 - as above

    async def in_one_line(turns: HashingTurns, purpose: str, network: str) -> None:
        del purpose, network
        await wait(turns, "log-in", "all")

    patch.setattr(HashingTurns, "_wait_for_slot", in_one_line)
    patch.setattr("infra.identity.fair_queue.MAX_WAITING", 1_000)
    patch.setattr("infra.identity.fair_queue.MAX_WAITING_PER_NETWORK", 1_000)


def a_fold_that_forgets_the_user(patch: pytest.MonkeyPatch) -> None:
    """Every filter is attributed to the user of the first filter that was folded."""
    first: list[UUID] = []

    def row(key: UUID, user: UUID, *rest: Any) -> SavedFilterRow:
        first.append(user)
        return SavedFilterRow(key, first[0], *rest)

    patch.setattr("projections.saved_filter_list.SavedFilterRow", row)


def a_query_that_ignores_the_user(patch: pytest.MonkeyPatch) -> None:
    """Queries return the filters of all users."""

    def forgetful(projection: Any, of: Any, scope: UUID, name: str, sql: str, *rest: Any) -> Question:
        return single_table_question(projection, of, scope, name, sql.replace("user_id = %(user)s", "true"), *rest)

    patch.setattr("projections.saved_filter_list.single_table_question", forgetful)
