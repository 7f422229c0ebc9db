"""A model of the tasks on a board: a dictionary, and the effect of each command on it, without events."""

from collections.abc import Mapping
from typing import Any, TypeAlias
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from commands.command import Command
from commands.handling.command_on import CommandOn
from commands.label import LabelTask, UnlabelTask
from commands.task import AssignTask, CompleteTask, CreateTask, EditTask, ReopenTask, UnassignTask
from commands.trash import TrashTask
from domain.errors import Contradicts, IdTaken, NotFound, Refusal, TaskIsTrashed, VersionConflict


class TaskModel(Struct, frozen=True):
    """A task as a user sees it."""

    version: int
    title: str
    status: str = "open"
    trashed: bool = False
    labels: frozenset[str] = frozenset()
    assignees: frozenset[UUID] = frozenset()


BoardModel: TypeAlias = Mapping[UUID, TaskModel]


class Expected(Struct, frozen=True):
    """The expected result of a call: the new versions of the tasks, or the refusal; and the board afterwards."""

    outcome: tuple[int, ...] | type[Refusal]
    board: BoardModel


def expected(board: BoardModel, commands: list[CommandOn]) -> Expected:
    """The expected result of an atomic batch of commands."""
    after = dict(board)
    for command_on in commands:
        row = _apply(after.get(command_on.target), command_on.command)
        if row is VersionConflict and after[command_on.target] != board[command_on.target]:
            row = Contradicts
        if not isinstance(row, TaskModel):
            return Expected(row, board)
        after[command_on.target] = row
    return Expected(tuple(after[command_on.target].version for command_on in commands), after)


def _apply(row: TaskModel | None, command: Command[Any]) -> TaskModel | type[Refusal]:
    if isinstance(command, CreateTask):
        return IdTaken if row else TaskModel(1, command.title)
    if row is None:
        return NotFound
    if command.expected_version not in {None, row.version}:
        return VersionConflict
    if isinstance(command, TrashTask):
        return row if row.trashed else replace(row, trashed=True, version=row.version + 1)
    return TaskIsTrashed if row.trashed else _apply_change(row, command)


def _apply_change(row: TaskModel, command: Command[Any]) -> TaskModel:
    changes: dict[str, Any] = {}
    if isinstance(command, EditTask):
        changes = {"title": command.title}
    if isinstance(command, CompleteTask):
        changes = {"status": "done"}
    if isinstance(command, ReopenTask):
        changes = {"status": "open"}
    if isinstance(command, LabelTask):
        changes = {"labels": row.labels | {command.label.lower()}}
    if isinstance(command, UnlabelTask):
        changes = {"labels": row.labels - {command.label.lower()}}
    if isinstance(command, AssignTask):
        changes = {"assignees": row.assignees | {command.user_id}}
    if isinstance(command, UnassignTask):
        changes = {"assignees": row.assignees - {command.user_id}}
    changed = replace(row, **changes)
    return row if changed == row else replace(changed, version=row.version + 1)
