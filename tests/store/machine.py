"""A machine that draws stories of two processes on one board, and holds each step against the model."""

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any, ClassVar, TypeVar
from uuid import UUID

import psycopg
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, multiple, rule
from msgspec import Struct
from msgspec.structs import replace

from commands.command import Command
from commands.handling.append import IdempotencyKey
from commands.handling.decision import CommandOn
from commands.handling.group import CommandRequest
from commands.handling.handler import Committed
from commands.label import LabelTask, UnlabelTask
from commands.project import CreateProject
from commands.task import AssignTask, CompleteTask, CreateTask, EditTask, ReopenTask, UnassignTask
from commands.trash import TrashTask
from domain.errors import KeyReused, Refusal
from domain.event import fold
from domain.task import Task
from infra.ids import new_id
from tests.examples import ADA, WORKSPACE
from tests.store.model import Board, Expected, Row, expected
from tests.store.processes import Processes

T = TypeVar("T")
MAKES: dict[str, Command[Any]] = {
    "complete": CompleteTask(),
    "complete what was seen": CompleteTask(expected_version=0),
    "reopen": ReopenTask(),
    "milk": EditTask(title="Buy milk", expected_version=0),
    "bread": EditTask(title="Buy bread", expected_version=0),
    "trash": TrashTask(expected_version=0),
    "label": LabelTask(label="shop"),
    "label loudly": LabelTask(label="SHOP"),
    "unlabel": UnlabelTask(label="Shop"),
    "assign": AssignTask(user_id=ADA.id),
    "unassign": UnassignTask(user_id=ADA.id),
}
"""Commands on a task; those that name a version are given the one that the client saw."""
processes = st.integers(0, 1)
makes = st.sampled_from([*sorted(MAKES), "complete", "reopen", "complete", "reopen"])
behind = st.sampled_from([0, 0, 0, 0, 1, -1])
"""How far the version that a client saw is behind; -1 was never there."""


class Asked(Struct, frozen=True):
    """A call with a key, and what came of it."""

    wishes: list[CommandOn]
    key: IdempotencyKey
    done: Committed


class Boards(RuleBasedStateMachine):
    """Two API processes and a board of its own for each story."""

    tasks = Bundle("tasks")
    keyed = Bundle("keyed")

    both: ClassVar[Processes]
    runner: ClassVar[asyncio.Runner]

    def __init__(self) -> None:
        super().__init__()
        self.both.forget()
        self.board: Board = {}

    @initialize()
    def a_project(self) -> None:
        self.project = new_id()
        create = CreateProject(workspace_id=WORKSPACE, name="Household", key=f"K{self.project.hex[-9:].upper()}")
        self._run(self.both.handlings[0].handle(CommandRequest([CommandOn(self.project, create)], ADA, new_id())))

    @rule(target=tasks, at=processes)
    def create(self, at: int) -> UUID:
        task = new_id()
        self._one(at, [CommandOn(task, CreateTask(project_id=self.project, title="Buy milk"))])
        return task

    @rule(task=tasks, at=processes)
    def create_again(self, task: UUID, at: int) -> None:
        self._one(at, [CommandOn(task, CreateTask(project_id=self.project, title="Buy tea"))])

    @rule(at=processes)
    def complete_what_is_not_there(self, at: int) -> None:
        self._one(at, [CommandOn(new_id(), CompleteTask())])

    @rule(task=tasks, make=makes, late=behind, at=processes)
    def one(self, task: UUID, make: str, late: int, at: int) -> None:
        self._one(at, [self._wish(task, make, late)])

    @rule(asked=st.lists(st.tuples(tasks, makes), min_size=1, max_size=3), late=behind, at=processes)
    def try_out(self, asked: list[tuple[UUID, str]], late: int, at: int) -> None:
        wishes = [self._wish(task, make, late) for task, make in asked]
        answer, foreseen = self._run(self._answer(at, wishes, dry=True)), expected(self.board, wishes)
        assert _as_foreseen(answer, foreseen), (answer, foreseen.outcome)
        assert not isinstance(answer, Committed) or bool(answer.planned_events) == (foreseen.board != self.board)

    @rule(asked=st.lists(st.tuples(tasks, makes), min_size=2, max_size=4), late=behind, at=processes)
    def several_together(self, asked: list[tuple[UUID, str]], late: int, at: int) -> None:
        self._one(at, [self._wish(task, make, late) for task, make in asked])

    @rule(target=keyed, task=tasks, make=makes, late=behind, at=processes)
    def one_with_a_key(self, task: UUID, make: str, late: int, at: int) -> Any:
        wishes, key = [self._wish(task, make, late)], IdempotencyKey(str(new_id()), make.encode())
        done = self._one(at, wishes, key)
        return Asked(wishes, key, done) if isinstance(done, Committed) else multiple()

    @rule(asked=keyed, at=processes)
    def the_same_key_again(self, asked: Asked, at: int) -> None:
        again = self._run(self.both.handlings[at].handle(CommandRequest(asked.wishes, ADA, new_id(), [asked.key])))
        assert (again.results, again.has_changes, again.is_replay) == (asked.done.results, False, True)

    @rule(asked=consumes(keyed), task=tasks, make=makes, at=processes)
    def the_same_key_for_something_else(self, asked: Asked, task: UUID, make: str, at: int) -> None:
        wishes, key = [self._wish(task, make, 0)], IdempotencyKey(asked.key.text, b"something else")
        assert isinstance(self._run(self._answer(at, wishes, key)), KeyReused)

    @rule(calls=st.lists(st.tuples(processes, tasks, makes), min_size=2, max_size=8))
    def all_at_once(self, calls: list[tuple[int, UUID, str]]) -> None:
        asked = [(at, [self._wish(task, make, 0)]) for at, task, make in calls]
        self._at_once(asked)

    @invariant()
    def the_log_says_what_the_model_says(self) -> None:
        found = self._run(self.both.logs[0].load_streams(list(self.board)))
        for stream, row in self.board.items():
            task = fold(Task, (recorded.event for recorded in found[stream]))
            assert task is not None
            assert [recorded.version for recorded in found[stream]] == list(range(1, row.version + 1))
            labels = [label.lower() for label in task.labels]
            assert len(set(labels)) == len(labels)
            assignees = frozenset(task.assignees)
            assert Row(row.version, task.title, task.status, task.trashed, frozenset(labels), assignees) == row

    def _wish(self, task: UUID, make: str, late: int) -> CommandOn:
        command = MAKES[make]
        if command.expected_version is not None:
            command = replace(command, expected_version=max(0, self.board[task].version - late))
        return CommandOn(task, command)

    def _one(self, at: int, wishes: list[CommandOn], key: IdempotencyKey | None = None) -> Committed | Refusal:
        answer = self._run(self._answer(at, wishes, key))
        foreseen = expected(self.board, wishes)
        assert _as_foreseen(answer, foreseen), (answer, foreseen.outcome)
        assert not isinstance(answer, Committed) or answer.has_changes == (foreseen.board != self.board)
        self.board = foreseen.board
        return answer

    def _at_once(self, asked: Sequence[tuple[int, list[CommandOn]]]) -> None:
        """There is an order in which the model gives all these answers; the positions say which."""

        async def together() -> list[Committed | Refusal]:
            return await asyncio.gather(*(self._answer(at, wishes) for at, wishes in asked))

        answered = list(zip((wishes for _, wishes in asked), self._run(together()), strict=True))
        boards = [self.board]
        for wishes, answer in sorted(answered, key=lambda one: _position(one[1])):
            if not _position(answer):
                continue
            foreseen = expected(boards[-1], wishes)
            assert _as_foreseen(answer, foreseen), (wishes, answer, foreseen.outcome)
            boards.append(foreseen.board)
        for wishes, answer in answered:
            if not _position(answer):
                assert any(_left_as_it_was(answer, wishes, board) for board in boards), (wishes, answer)
        self.board = boards[-1]

    async def _answer(
        self, at: int, wishes: list[CommandOn], key: IdempotencyKey | None = None, *, dry: bool = False
    ) -> Committed | Refusal:
        try:
            return await self.both.handlings[at].handle(
                CommandRequest(wishes, ADA, new_id(), [key] if key else [], is_dry_run=dry)
            )
        except Refusal as no:
            return no
        except psycopg.Error as error:
            raise AssertionError(f"the database had to say no: {error}") from error

    def _run(self, asked: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(asked)


def _position(answer: Committed | Refusal) -> int:
    """Of what was written; 0 for nothing."""
    return answer.position if isinstance(answer, Committed) and answer.has_changes else 0


def _as_foreseen(answer: Committed | Refusal, foreseen: Expected) -> bool:
    if isinstance(answer, Committed):
        return tuple(result.version for result in answer.results) == foreseen.outcome
    return type(answer) is foreseen.outcome


def _left_as_it_was(answer: Committed | Refusal, wishes: list[CommandOn], board: Board) -> bool:
    foreseen = expected(board, wishes)
    return foreseen.board == board and _as_foreseen(answer, foreseen)
