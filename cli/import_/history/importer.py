"""Imports a board: every intention is decided as of its time; then all events are written at once, or none."""

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime
from time import monotonic
from typing import Final
from uuid import UUID

from msgspec import Struct, field

from cli.import_.history.ids import ForeignIds
from cli.import_.history.intention import ImportedBoard, Intention, Tick
from cli.import_.history.target import HistoryTarget
from cli.open_instance import OpenInstance
from commands.checklist import CheckItem, UncheckItem
from commands.handling.append import OutcomeUnknown
from commands.handling.command_on import CommandOn
from commands.handling.history import History, PastRequest
from commands.project_import import ImportProject
from domain.errors import Refusal
from domain.event import Actor
from domain.task import Task, TaskCreated
from infra.errors import OperatorError
from infra.reading.progress import ProjectionBehind
from projections.projection import all_projections

MAX_EVENTS: Final = 100_000
"""Of one history: they are written in one transaction, for which all other writers wait, about 50 µs for each."""
STANDSTILL_S = 5.0
"""A worker that has read nothing for so long is taken for none."""
_STEP_S: Final = 0.5
NO_ANSWER_MESSAGE: Final = (
    "The event log did not answer: run the same command again, which tells whether it was written."
)
CHANGED_MESSAGE: Final = "The workspace has changed meanwhile, so nothing was written: run the same command again."


class HistoryOutcome(Struct):
    """What an import did: the tasks and events that it wrote, and what was refused, with its place and the reason."""

    is_dry_run: bool = False
    tasks: int = 0
    events: int = 0
    event_types: Counter[str] = field(default_factory=Counter)
    refused: list[tuple[str, str]] = field(default_factory=list)
    is_written: bool = False
    is_shown: bool = True


class HistoryImporter:
    """Imports a board into its project."""

    def __init__(self, instance: OpenInstance, target: HistoryTarget, outcome: HistoryOutcome, now: datetime) -> None:
        self._instance, self._target, self._outcome, self._now = instance, target, outcome, now
        self._ids = ForeignIds(target.project_id)
        self._sequence = 0

    async def run(
        self,
        board: ImportedBoard,
        person_ids: Mapping[str, UUID],
        former_members: Mapping[UUID, str],
        advance: Callable[[], None],
    ) -> int | None:
        """The position of the last event; None in a dry run. `advance` is called for each intention."""
        history = History(self._instance.log, board.task_count)
        beginning = ImportProject(
            workspace_id=self._target.workspace_id,
            name=board.beginning.name,
            key=self._target.key,
            columns=board.beginning.columns,
            former_members=former_members,
        )
        first = Intention(
            board.beginning.at, board.beginning.actor, (CommandOn(self._target.project_id, beginning),), "board"
        )
        try:
            await self._decide(history, first, person_ids)
        except Refusal as refusal:
            raise OperatorError(f"The project cannot be created: {refusal}") from refusal
        for intention in board.intentions:
            advance()
            try:
                await self._decide(history, intention, person_ids)
            except Refusal as refusal:
                self._outcome.refused.append((intention.where, str(refusal)))
        return await self._write(history)

    async def wait_until_shown(self, position: int) -> None:
        """Wait until all read models include a position, as long as they get on."""
        for name in all_projections():
            before, advanced_at = -1, monotonic()
            while True:
                try:
                    await self._instance.progress_waiter.wait(name, position, _STEP_S)
                    break
                except ProjectionBehind:
                    current = await self._instance.progress_waiter.current_position(name)
                    if current > before:
                        before, advanced_at = current, monotonic()
                    elif monotonic() - advanced_at > STANDSTILL_S:
                        self._outcome.is_shown = False
                        return

    async def _decide(self, history: History, intention: Intention, person_ids: Mapping[str, UUID]) -> None:
        at = None if intention.at is None or intention.at > self._now else intention.at
        importing = self._target.user_id
        actor = Actor(person_ids.get(intention.actor or "", importing), "import", importing)
        self._sequence += 1
        commands = [_resolve(history, step) for step in intention.commands]
        command_id = self._ids.command_id(at or self._now, self._sequence)
        events = await history.decide(PastRequest(commands, actor, command_id, at))
        self._outcome.events += len(events)
        self._outcome.event_types.update(type(event).__name__ for _, event in events)
        self._outcome.tasks += sum(isinstance(event, TaskCreated) for _, event in events)

    async def _write(self, history: History) -> int | None:
        if history.event_count > MAX_EVENTS:
            raise OperatorError(
                f"The history has {history.event_count:,} events, and at most {MAX_EVENTS:,} are written at once: "
                "nothing was imported."
            )
        if self._outcome.is_dry_run:
            return None
        try:
            position = await self._instance.log.append_history(history.appends)
        except OutcomeUnknown as error:
            raise OperatorError(NO_ANSWER_MESSAGE) from error
        if position is None:
            raise OperatorError(CHANGED_MESSAGE)
        self._outcome.is_written = True
        return position


def _resolve(history: History, step: CommandOn | Tick) -> CommandOn:
    if isinstance(step, CommandOn):
        return step
    task = history.state(Task, step.target)
    item = task.checklist[step.place].id if task and step.place < len(task.checklist) else None
    return CommandOn(step.target, CheckItem(item_id=item) if step.done else UncheckItem(item_id=item))
