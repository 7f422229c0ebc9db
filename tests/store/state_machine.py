"""A state machine: random steps of two processes on one board, each compared with the model."""

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
from commands.handling.command_on import CommandOn
from commands.handling.idempotency import IdempotencyKey
from commands.handling.outcome import Committed, DryRunOutcome, Outcome
from commands.handling.request import CommandRequest
from commands.label import LabelTask, UnlabelTask
from commands.project import CreateProject
from commands.task import AssignTask, CompleteTask, CreateTask, EditTask, ReopenTask, UnassignTask
from commands.trash import TrashTask
from domain.errors import KeyReused, Refusal
from domain.event import fold
from domain.task import Task
from infra.ids import new_id
from tests.examples import ADA, WORKSPACE
from tests.store.board_model import BoardModel, Expected, TaskModel, expected
from tests.store.two_processes import TwoProcesses

T = TypeVar("T")
COMMANDS: dict[str, Command[Any]] = {
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
"""Commands on a task; those that expect a version get the one that the client saw."""
processes = st.integers(0, 1)
command_names = st.sampled_from([*sorted(COMMANDS), "complete", "reopen", "complete", "reopen"])
versions_behind = st.sampled_from([0, 0, 0, 0, 1, -1])
"""How far the client's version is behind; -1 is a version that never existed."""


class KeyedCall(Struct, frozen=True):
    """A call with a key, and its result."""

    commands: list[CommandOn]
    key: IdempotencyKey
    committed: Committed


class TwoProcessMachine(RuleBasedStateMachine):
    """Two API processes, with a new board for each run."""

    tasks = Bundle("tasks")
    keyed = Bundle("keyed")

    both: ClassVar[TwoProcesses]
    runner: ClassVar[asyncio.Runner]

    def __init__(self) -> None:
        super().__init__()
        self.both.restart()
        self.board: BoardModel = {}

    @initialize()
    def create_project(self) -> None:
        self.project = new_id()
        create = CreateProject(workspace_id=WORKSPACE, name="Household", key=f"K{self.project.hex[-9:].upper()}")
        self._run(self.both.handlers[0].handle(CommandRequest([CommandOn(self.project, create)], ADA, new_id())))

    @rule(target=tasks, at=processes)
    def create(self, at: int) -> UUID:
        task = new_id()
        self._run_and_compare(at, [CommandOn(task, CreateTask(project_id=self.project, title="Buy milk"))])
        return task

    @rule(task=tasks, at=processes)
    def create_again(self, task: UUID, at: int) -> None:
        self._run_and_compare(at, [CommandOn(task, CreateTask(project_id=self.project, title="Buy tea"))])

    @rule(at=processes)
    def complete_unknown_task(self, at: int) -> None:
        self._run_and_compare(at, [CommandOn(new_id(), CompleteTask())])

    @rule(task=tasks, make=command_names, late=versions_behind, at=processes)
    def run_command(self, task: UUID, make: str, late: int, at: int) -> None:
        self._run_and_compare(at, [self._command_on(task, make, late)])

    @rule(asked=st.lists(st.tuples(tasks, command_names), min_size=1, max_size=3), late=versions_behind, at=processes)
    def dry_run(self, asked: list[tuple[UUID, str]], late: int, at: int) -> None:
        commands = [self._command_on(task, make, late) for task, make in asked]
        answer, predicted = self._run(self._outcome(at, commands, dry=True)), expected(self.board, commands)
        assert _matches_expected(answer, predicted), (answer, predicted.outcome)
        assert not isinstance(answer, DryRunOutcome) or bool(answer.planned_events) == (predicted.board != self.board)

    @rule(asked=st.lists(st.tuples(tasks, command_names), min_size=2, max_size=4), late=versions_behind, at=processes)
    def run_batch(self, asked: list[tuple[UUID, str]], late: int, at: int) -> None:
        self._run_and_compare(at, [self._command_on(task, make, late) for task, make in asked])

    @rule(target=keyed, task=tasks, make=command_names, late=versions_behind, at=processes)
    def run_with_key(self, task: UUID, make: str, late: int, at: int) -> Any:
        commands, key = [self._command_on(task, make, late)], IdempotencyKey(str(new_id()), make.encode())
        done = self._run_and_compare(at, commands, key)
        return KeyedCall(commands, key, done) if isinstance(done, Committed) else multiple()

    @rule(asked=keyed, at=processes)
    def retry_with_key(self, asked: KeyedCall, at: int) -> None:
        again = self._run(self.both.handlers[at].handle(CommandRequest(asked.commands, ADA, new_id(), [asked.key])))
        assert (again.results, again.has_changes, again.is_replay) == (asked.committed.results, False, True)

    @rule(asked=consumes(keyed), task=tasks, make=command_names, at=processes)
    def reuse_key_for_another_command(self, asked: KeyedCall, task: UUID, make: str, at: int) -> None:
        commands, key = [self._command_on(task, make, 0)], IdempotencyKey(asked.key.text, b"something else")
        assert isinstance(self._run(self._outcome(at, commands, key)), KeyReused)

    @rule(calls=st.lists(st.tuples(processes, tasks, command_names), min_size=2, max_size=8))
    def run_concurrently(self, calls: list[tuple[int, UUID, str]]) -> None:
        asked = [(at, [self._command_on(task, make, 0)]) for at, task, make in calls]
        self._run_concurrently_and_compare(asked)

    @invariant()
    def log_matches_model(self) -> None:
        found = self._run(self.both.logs[0].load_streams(list(self.board)))
        for stream, row in self.board.items():
            task = fold(Task, (recorded.event for recorded in found[stream]))
            assert task is not None
            assert [recorded.version for recorded in found[stream]] == list(range(1, row.version + 1))
            labels = [label.lower() for label in task.labels]
            assert len(set(labels)) == len(labels)
            assignees = frozenset(task.assignees)
            assert TaskModel(row.version, task.title, task.status, task.trashed, frozenset(labels), assignees) == row

    def _command_on(self, task: UUID, make: str, late: int) -> CommandOn:
        command = COMMANDS[make]
        if command.expected_version is not None:
            command = replace(command, expected_version=max(0, self.board[task].version - late))
        return CommandOn(task, command)

    def _run_and_compare(
        self, at: int, commands: list[CommandOn], key: IdempotencyKey | None = None
    ) -> Outcome | Refusal:
        answer = self._run(self._outcome(at, commands, key))
        predicted = expected(self.board, commands)
        assert _matches_expected(answer, predicted), (answer, predicted.outcome)
        assert not isinstance(answer, Committed) or answer.has_changes == (predicted.board != self.board)
        self.board = predicted.board
        return answer

    def _run_concurrently_and_compare(self, asked: Sequence[tuple[int, list[CommandOn]]]) -> None:
        """Assert that the model gives the same answers in the order of their positions."""

        async def together() -> list[Outcome | Refusal]:
            return await asyncio.gather(*(self._outcome(at, commands) for at, commands in asked))

        answered = list(zip((commands for _, commands in asked), self._run(together()), strict=True))
        boards = [self.board]
        for commands, answer in sorted(answered, key=lambda one: _written_position(one[1])):
            if not _written_position(answer):
                continue
            predicted = expected(boards[-1], commands)
            assert _matches_expected(answer, predicted), (commands, answer, predicted.outcome)
            boards.append(predicted.board)
        for commands, answer in answered:
            if not _written_position(answer):
                assert any(_is_no_op_on(answer, commands, board) for board in boards), (commands, answer)
        self.board = boards[-1]

    async def _outcome(
        self, at: int, commands: list[CommandOn], key: IdempotencyKey | None = None, *, dry: bool = False
    ) -> Outcome | Refusal:
        try:
            handler, request = self.both.handlers[at], CommandRequest(commands, ADA, new_id(), [key] if key else [])
            return await (handler.dry_run(request) if dry else handler.handle(request))
        except Refusal as refusal:
            return refusal
        except psycopg.Error as error:
            raise AssertionError(f"the database refused what the log should have: {error}") from error

    def _run(self, asked: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(asked)


def _written_position(answer: Outcome | Refusal) -> int:
    """The position of what was written, or 0 if nothing was."""
    return answer.position if isinstance(answer, Committed) and answer.has_changes else 0


def _matches_expected(answer: Outcome | Refusal, predicted: Expected) -> bool:
    if isinstance(answer, Committed | DryRunOutcome):
        return tuple(result.version for result in answer.results) == predicted.outcome
    return type(answer) is predicted.outcome


def _is_no_op_on(answer: Outcome | Refusal, commands: list[CommandOn], board: BoardModel) -> bool:
    predicted = expected(board, commands)
    return predicted.board == board and _matches_expected(answer, predicted)
