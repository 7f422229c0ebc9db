"""Replays what happened to cards: the commands with which the same is done to their tasks."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from msgspec import Struct

from cli.import_.history.dates import Dates
from cli.import_.history.ids import ForeignIds
from cli.import_.history.intention import Notes, Tick
from cli.import_.history.texts import Texts
from cli.import_.trello.card_state import CardState
from cli.import_.trello.cards import CardStory
from cli.import_.trello.checklists import CardChecklists, Item, specs_of
from cli.import_.trello.columns import Columns
from cli.import_.trello.places import BOTTOM, Places
from commands.archive import ArchiveTask, UnarchiveTask
from commands.checklist import SetChecklist
from commands.handling.command_on import CommandOn
from commands.task import AssignTask, CompleteTask, CreateTask, EditTask, MoveTask, ReopenTask, UnassignTask
from commands.trash import TrashTask

UNTITLED: Final = "Untitled card"
WENT_BACK: Final = "archived cards that changed left the archive for it and went back at once"
Step = CommandOn | Tick
Steps = Iterator[Step]


class ReplayParts(Struct, frozen=True):
    """What a replay works with."""

    ids: ForeignIds
    person_ids: Mapping[str, UUID]
    stories: Mapping[str, CardStory]
    columns: Columns
    checklists: CardChecklists
    texts: Texts
    dates: Dates

    @property
    def notes(self) -> Notes:
        return self.texts.notes


class CardReplay:
    """The cards as they are after what was replayed, by their ids in the file."""

    def __init__(self, parts: ReplayParts) -> None:
        self.cards: dict[str, CardState] = {}
        self._parts = parts
        self._texts, self._dates = parts.texts, parts.dates
        self._places = Places()

    def create(self, story: CardStory, at: datetime) -> Steps:
        """A card that appears on the board, as it was then."""
        state = self._first_state(story, at)
        self.cards[story.id] = state
        yield from self._ensure_list(state.list_id)
        yield CommandOn(
            state.task,
            CreateTask(
                project_id=self._parts.ids.project_id,
                title=state.title,
                description=state.description,
                due=state.due,
                start=state.start,
                column=self._parts.columns.column_id(state.list_id),
                assignees=tuple(map(self._person, state.members)),
                checklist=specs_of(state.items),
            ),
        )
        place = self._places.put(state.task, state.list_id, story.first("pos"))
        if place != BOTTOM:
            yield CommandOn(state.task, MoveTask(**place))
        yield from self.set_done(state, done=bool(story.first("due_complete")))
        yield from self.set_archived(state, archived=bool(story.first("closed")))

    def edit(self, state: CardState, new: Mapping[str, Any]) -> Steps:
        """Give a task the fields that differ, by their names in the file."""
        due = self._dates.valid(new["due"]) if "due" in new else state.due
        start = self._dates.valid(new["start"]) if "start" in new else state.start
        wanted: dict[str, Any] = {
            "title": self._title(new["name"]) if "name" in new else state.title,
            "description": self._texts.clean(new["desc"], "description") if "desc" in new else state.description,
            "due": due,
            "start": self._dates.start(start, due),
        }
        changed = {name: value for name, value in wanted.items() if value != getattr(state, name)}
        for name, value in changed.items():
            setattr(state, name, value)
        if changed:
            yield CommandOn(state.task, EditTask(**changed))

    def move(self, state: CardState, list_id: str, pos: float) -> Steps:
        """Put a task into a list, at its place there."""
        yield from self._ensure_list(list_id)
        column: dict[str, Any] = {} if list_id == state.list_id else {"column": self._parts.columns.column_id(list_id)}
        state.list_id = list_id
        yield CommandOn(state.task, MoveTask(**column, **self._places.put(state.task, list_id, pos)))

    def set_done(self, state: CardState, *, done: bool) -> Steps:
        """Complete a task, or reopen it, where it is."""
        if state.done != done:
            state.done = done
            yield CommandOn(state.task, CompleteTask() if done else ReopenTask())

    def set_archived(self, state: CardState, *, archived: bool) -> Steps:
        """Archive a task, or bring it back."""
        if state.archived != archived:
            state.archived = archived
            yield CommandOn(state.task, ArchiveTask() if archived else UnarchiveTask())
        if archived:
            self._places.remove(state.task)

    def trash(self, state: CardState) -> Steps:
        """Move a task to the trash."""
        state.trashed = True
        self._places.remove(state.task)
        yield CommandOn(state.task, TrashTask())

    def assign(self, state: CardState, member: str) -> Steps:
        """Make a person a member of a card."""
        if member in self._parts.person_ids and member not in state.members:
            state.members.append(member)
            yield CommandOn(state.task, AssignTask(user_id=self._person(member)))

    def unassign(self, state: CardState, member: str) -> Steps:
        """Take a person from a card."""
        if member in state.members:
            state.members.remove(member)
            yield CommandOn(state.task, UnassignTask(user_id=self._person(member)))

    def set_items(self, state: CardState, items: list[Item]) -> Steps:
        """Set the checklist of a task."""
        if items != state.items:
            state.items = items
            yield CommandOn(state.task, SetChecklist(items=specs_of(items)))

    def tick(self, state: CardState, item_id: str, *, done: bool) -> Steps:
        """Check or uncheck an item, if the card has it."""
        for place, item in enumerate(state.items):
            if item.id == item_id and item.done != done:
                item.done = done
                yield Tick(state.task, place, done)

    def while_in_use(self, state: CardState, steps: Steps) -> Steps:
        """A card in the archive comes back for what happens to it, at the same time: ours cannot change there."""
        found = list(steps)
        if not state.archived or not found:
            yield from found
            return
        self._parts.notes.remarks[WENT_BACK] += 1
        yield CommandOn(state.task, UnarchiveTask())
        yield from found
        yield CommandOn(state.task, ArchiveTask())
        self._places.remove(state.task)

    def _first_state(self, story: CardStory, at: datetime) -> CardState:
        due = self._dates.valid(story.first("due"))
        return CardState(
            self._parts.ids.new_id("card", story.id, at),
            story.first_list,
            self._title(story.first("name")),
            self._texts.clean(story.first("desc"), "description"),
            due,
            self._dates.start(self._dates.valid(story.first("start")), due),
            [member for member in story.first_members if member in self._parts.person_ids],
            self._parts.checklists.at_creation(story.id),
        )

    def _person(self, member: str) -> UUID:
        return self._parts.person_ids[member]

    def _title(self, name: str) -> str:
        return self._texts.clean(name, "title", UNTITLED)

    def _ensure_list(self, list_id: str) -> Steps:
        if not self._parts.columns.has(list_id):
            yield CommandOn(self._parts.ids.project_id, self._parts.columns.add(list_id))
