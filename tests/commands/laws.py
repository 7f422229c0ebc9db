"""The laws of deciding: each a function that fails where its law does not hold."""

import asyncio
from collections.abc import Iterator, Sequence
from itertools import takewhile
from typing import Any
from uuid import UUID

import msgspec
from hypothesis import strategies as st

from commands import permissions
from commands.column import ColumnSpec, CountColumn, SetColumns
from commands.command import Command
from commands.handling import results
from commands.handling.append import IdempotencyKey
from commands.handling.decision import CommandOn, Decision
from commands.handling.group import CommandRequest
from commands.handling.handler import CommandHandler, Committed
from commands.handling.stream_cache import StreamState
from commands.project import RestoreProject
from commands.task import CompleteTask, CreateTask, EditTask, MoveTask
from commands.trash import PurgeTask, RestoreTask, TrashProject, TrashTask
from domain.column import ColumnCount, column_stream_id
from domain.errors import Forbidden, IdTaken, NotFound, Purged, Refusal, VersionConflict
from domain.event import Change, Event, State, changes, fold
from domain.member import member_stream_id
from domain.project import DEFAULT_COLUMNS
from domain.task import Task
from tests.examples import (
    ADA,
    BOB,
    CAT,
    COMMAND,
    COMPLETED,
    OTHER_TASK,
    PROJECT,
    TASK,
    WORKSPACE,
    id7,
    member,
    project,
    task,
    user,
    workspace,
)
from tests.given import Past, asker
from tests.law import law
from tests.memory_log import MemoryLog
from tests.strategies import KINDS, WISHES, walks

_changing: list[type[Command[Any]]] = [
    kind for kind in WISHES if kind.state_type is Task and not kind.creates and kind not in {TrashTask, PurgeTask}
]
_edits = st.one_of([WISHES[kind] for kind in _changing] + [WISHES[EditTask]] * 2)
edits = st.lists(_edits.map(lambda wish: wish.command), max_size=3)
"""What is asked of one task."""
on_walks = law(walks, examples=150)


class Step(msgspec.Struct, frozen=True):
    """One wish that was fulfilled: what happened before it, and with it."""

    before: Past
    wish: CommandOn
    decision: Decision
    after: Past


@on_walks
def asking_twice_changes_nothing_more(walk: list[CommandOn]) -> None:
    for step in carried_out(walk):
        again = on_the_present(step.wish, step.after)
        try:
            written = step.after.decide(again).new_events
        except IdTaken:
            assert again.command.creates
        except (Forbidden, NotFound):
            assert gave_it_up(step) or is_gone(step)
        except Purged:
            assert type(again.command).__name__.startswith("Purge")
        else:
            assert written == []


@on_walks
def deciding_again_decides_the_same(walk: list[CommandOn]) -> None:
    for step in carried_out(walk):
        again = step.before.decide(step.wish)
        assert (again.new_events, again.read_versions) == (step.decision.new_events, step.decision.read_versions)


@on_walks
def a_decision_leaves_the_states_that_a_fold_will_find(walk: list[CommandOn]) -> None:
    for step in carried_out(walk):
        for stream in step.decision.read_versions:
            for kind in KINDS:
                assert step.decision(kind, stream) == fold(kind, step.after.events(stream))
            assert step.decision.version(stream) == step.after.version(stream)


@on_walks
def an_event_says_what_it_replaced(walk: list[CommandOn]) -> None:
    """Every field that an event changes is a field of the state, and held the old value; before the first, none."""
    for step in carried_out(walk):
        about, target = step.wish.command.state_type, step.wish.target
        history = step.before.events(target)
        for stream, event in step.decision.new_events:
            if stream == target:
                _assert_replaces(fold(about, history), event)
                history.append(event)


@on_walks
def together_is_the_same_as_one_by_one(walk: list[CommandOn]) -> None:
    """As far as they belong to one workspace: others are not carried out together, and happened before.

    What a rule does, nobody does together with it.
    """
    steps = list(takewhile(lambda step: asker(step.wish) is ADA, carried_out(walk)))
    here = [step for step in steps if step.decision.workspace_id == WORKSPACE]
    elsewhere = [fact for step in steps if step not in here for fact in step.decision.new_events]
    one_by_one = [fact for step in here for fact in step.decision.new_events]
    before = Past([*start().facts, *elsewhere])
    assert before.decide(*(step.wish for step in here)).new_events == one_by_one


@on_walks
def whatever_was_looked_at_is_seen_at_its_version(walk: list[CommandOn]) -> None:
    for step in carried_out(walk):
        watched = Watched(step.before)
        decision = Decision(watched, asker(step.wish))
        decision.decide(step.wish)
        assert decision.read_versions == {stream: step.before.version(stream) for stream in watched.looked_at}
        assert {stream for stream, _ in decision.new_events} <= decision.read_versions.keys()


@on_walks
def a_stranger_finds_nothing(walk: list[CommandOn]) -> None:
    """Nobody but a member learns even that something is there, or writes a word inside a workspace."""
    for step in carried_out(walk):
        if permissions.REQUIRED_PERMISSIONS[type(step.wish.command).__name__].role:
            try:
                written = step.after.decide(on_the_present(step.wish, step.after), by=BOB).new_events
            except NotFound:
                continue
            except Refusal as no:
                raise AssertionError(f"a stranger was told {no.code()}") from no
            raise AssertionError(f"a stranger wrote {written}")


@law(walks, examples=50)
def a_dry_run_answers_what_is_then_written_and_changes_nothing(walk: list[CommandOn]) -> None:
    asyncio.run(_tried_first(walk))


async def _tried_first(walk: list[CommandOn]) -> None:
    log = MemoryLog(start().facts)
    handling, key = CommandHandler(log), [IdempotencyKey("mine", b"")]
    for imagined in walk:
        wish, before = on_the_present(imagined, log.past), list(log.past.facts)
        tried = await _answer(handling, CommandRequest([wish], asker(wish), COMMAND, key, is_dry_run=True))
        assert (log.past.facts, log.keys) == (before, {})
        done = await _answer(handling, CommandRequest([wish], asker(wish), COMMAND))
        if isinstance(done, Committed):
            assert isinstance(tried, Committed), tried
            assert tried.planned_events == _as_foreseen(log.past, len(before))
            assert not tried.has_changes
        else:
            assert (type(tried), str(tried)) == (type(done), str(done))


@law(edits, edits, examples=150)
def a_rebase_is_a_merge_of_different_fields_and_of_no_other(
    theirs: list[Command[Task]], mine: list[Command[Task]]
) -> None:
    """Wishes of one call, made on one version and on what those before them leave; meanwhile others did theirs."""
    seen, wishes = _made_in_turn(start(), mine)
    there, _ = _made_in_turn(start(), theirs)
    ours, others = (_fields(past) for past in (seen, there))
    log = MemoryLog(there.facts)
    answer = asyncio.run(_answer(CommandHandler(log), CommandRequest(wishes, ADA, COMMAND, can_rebase=True)))
    if ours & others:
        assert isinstance(answer, VersionConflict), answer
        assert set(answer.params["conflicting_fields"]) <= ours & others
        assert log.past.facts == there.facts
    else:
        assert isinstance(answer, Committed), answer
        wanted = fold(Task, seen.events(TASK))
        changed = {name: getattr(wanted, name) for name in ours}
        assert fold(Task, log.past.events(TASK)) == msgspec.structs.replace(_task(there), **changed)
        assert log.past.version(TASK) == there.version(TASK) + seen.version(TASK) - start().version(TASK)


def start() -> Past:
    """Ada's and Cat's workspace with a project, a task to do and one done; Bob is nobody there."""
    done = task(COMPLETED, task_id=OTHER_TASK, number=2)
    return Past([*user(), *workspace(), *member(CAT), *project(), *task(), *done])


def carried_out(walk: Sequence[CommandOn]) -> Iterator[Step]:
    """Each wish of Ada's that was fulfilled, in order; those refused are left out."""
    before = start()
    for imagined in walk:
        wish = on_the_present(imagined, before)
        try:
            decision = before.decide(wish)
        except Refusal:
            continue
        after = Past([*before.facts, *decision.new_events])
        yield Step(before, wish, decision, after)
        before = after


def gave_it_up(step: Step) -> bool:
    """Whether Ada took from herself, with her wish, the right to have it."""
    here = member_stream_id(step.decision.workspace_id or WORKSPACE, ADA.id)
    return step.after.version(here) > step.before.version(here)


def is_gone(step: Step) -> bool:
    """Whether the wish ended what it was about: it is found no more."""
    return fold(step.wish.command.state_type, step.after.events(step.wish.target)) is None


def on_the_present(wish: CommandOn, past: Past) -> CommandOn:
    """The wish as made by somebody who has just looked."""
    command = msgspec.structs.replace(wish.command, expected_version=past.version(wish.target))
    return CommandOn(wish.target, command)


def _made_in_turn(past: Past, commands: list[Command[Task]]) -> tuple[Past, list[CommandOn]]:
    """What comes of them, without those refused; and the rest as wishes, each naming the version it was made on."""
    wishes = []
    for command in commands:
        wish = on_the_present(CommandOn(TASK, command), past)
        try:
            past = Past([*past.facts, *past.decide(wish).new_events])
        except Refusal:
            continue
        wishes.append(wish)
    return past, wishes


def _fields(past: Past) -> set[str]:
    """The fields of the task that changed since the start."""
    return {name for event in past.events(TASK)[start().version(TASK) :] for name in changes(event)}


def _task(past: Past) -> Task:
    task = fold(Task, past.events(TASK))
    assert task is not None
    return task


async def _answer(handling: CommandHandler, order: CommandRequest) -> Committed | Refusal:
    try:
        return await handling.handle(order)
    except Refusal as no:
        return no


def _as_foreseen(past: Past, after: int) -> tuple[results.PlannedEvent, ...]:
    """What stands in the log after that position, as a dry run would say it."""
    found = sorted((one for history in past.streams.values() for one in history), key=lambda one: one.position)
    return tuple(
        results.PlannedEvent(
            one.stream,
            type(one.event).__name__,
            one.version,
            {name: value for name, value in msgspec.to_builtins(one.event).items() if name != "type"},
        )
        for one in found
        if one.position > after
    )


def _assert_replaces(state: State | None, event: Event) -> None:
    for name, value in msgspec.structs.asdict(event).items():
        if isinstance(value, Change):
            assert value.old == (getattr(state, name) if state else None)


class Watched:
    """All streams there are, noting those that are looked at."""

    def __init__(self, past: Past) -> None:
        self.looked_at: set[UUID] = set()
        self._past = past

    def get(self, stream: UUID) -> StreamState:
        self.looked_at.add(stream)
        return self._past.get(stream)


_tasks = st.sampled_from([TASK, OTHER_TASK, id7(33), id7(34)])
_columns = st.sampled_from(["todo", "doing", "done"])
_steps = st.one_of(
    st.builds(
        CommandOn, _tasks, st.builds(CreateTask, project_id=st.just(PROJECT), title=st.just("x"), column=_columns)
    ),
    *(st.builds(CommandOn, _tasks, st.builds(MoveTask, column=_columns)) for _ in range(3)),
    *(st.builds(CommandOn, _tasks, st.just(kind())) for kind in (CompleteTask, TrashTask, RestoreTask, PurgeTask)),
    st.builds(CommandOn, st.just(PROJECT), WISHES[SetColumns].map(lambda wish: wish.command)),
    st.builds(CommandOn, st.just(PROJECT), st.sampled_from([TrashProject(), RestoreProject()])),
    *(st.tuples(st.sampled_from(["look", "count"]), _columns) for _ in range(4)),
)
"""A wish; or somebody looks how many stand in a column, or writes down what was seen at the last look."""
_LIMITED = SetColumns(columns=tuple(ColumnSpec(name=column.name, wip_limit=2) for column in DEFAULT_COLUMNS))


@law(st.lists(_steps, min_size=10, max_size=40), examples=200)
def a_count_is_what_a_fold_finds(steps: list[CommandOn | tuple[str, str]]) -> None:
    past, looks = Past([*workspace(), *project()]), dict[str, CountColumn]()
    for step in [CommandOn(PROJECT, _LIMITED), *steps]:
        if isinstance(step, tuple) and step[0] == "look":
            tasks, seen = standing(past, step[1]), past.version(column_stream_id(PROJECT, step[1]))
            looks[step[1]] = CountColumn(column=step[1], tasks=tasks, seen=seen)
            continue
        wish = step if isinstance(step, CommandOn) else CommandOn(PROJECT, looks.get(step[1], CompleteTask()))
        try:
            past.add(past.decide(on_the_present(wish, past)).new_events)
        except Refusal:
            continue
        for column in ("todo", "doing", "done"):
            count = fold(ColumnCount, past.events(column_stream_id(PROJECT, column)))
            assert count is None or count.tasks in {None, standing(past, column)}


def standing(past: Past, column: str) -> int:
    """How many tasks stand in a column, as a fold of each finds."""
    found = [fold(Task, past.events(stream)) for stream in past.streams]
    return sum(task is not None and task.column == column and not task.trashed for task in found)
