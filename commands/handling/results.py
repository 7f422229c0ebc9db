"""The results of commands, as answered and as stored for a replay."""

from collections.abc import Sequence
from typing import Annotated, TypeAlias
from uuid import UUID

import msgspec
from msgspec import Meta, Struct

from commands.handling.command_on import CommandOn
from commands.handling.decision import Decision
from commands.revert.report import RevertReport
from domain.errors import Refusal
from domain.task import NextTask


class WipLimitWarning(Struct, frozen=True):
    """A column has more tasks than its limit, which another setting of the project would have refused.

    With the code `more_tasks_done`, it has more done tasks than one command archives.
    """

    code: str
    column: str
    limit: int
    tasks: int

    @classmethod
    def from_refusal(cls, warning: Refusal) -> "WipLimitWarning":
        return cls(warning.code(), **warning.params)


NextInstance: TypeAlias = Annotated[
    NextTask | None,
    Meta(description="Only of a recurring task that is done, except the last: its next instance."),
]


class CommandResult(Struct, frozen=True, omit_defaults=True):
    """The result of one command: its stream, the new version, the human key of a task, and warnings."""

    id: UUID
    version: int
    key: str | None = None
    next: NextInstance = None
    warnings: tuple[WipLimitWarning, ...] = ()
    revert: RevertReport | None = None


def from_decision(commands: Sequence[CommandOn], decision: Decision) -> tuple[CommandResult, ...]:
    """One result for each command of the decision."""
    return tuple([_result(decision, index, command_on) for index, command_on in enumerate(commands)])


def _result(decision: Decision, index: int, command_on: CommandOn) -> CommandResult:
    target = decision.stream_states[command_on.target]
    warnings = [WipLimitWarning.from_refusal(warning) for at, warning in decision.warnings if at == index]
    state = target.states[command_on.command.state_type]
    key, following = getattr(state, "key", None), getattr(state, "next", None)
    report = decision.reports.get(index)
    revert = report if isinstance(report, RevertReport) else None
    return CommandResult(command_on.target, target.version, key, following, tuple(warnings), revert)


def encode(results: Sequence[CommandResult]) -> bytes:
    """As stored with a client's key."""
    return msgspec.json.encode(results)


def decode(outcome: bytes) -> tuple[CommandResult, ...]:
    """From what `encode` made."""
    return msgspec.json.decode(outcome, type=tuple[CommandResult, ...])
