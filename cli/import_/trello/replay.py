"""Replays the actions of a board: each becomes the commands with which the same is done here."""

from collections.abc import Callable, Iterator
from typing import Any, Final

from msgspec import UNSET

from cli.import_.history.intention import Intention
from cli.import_.trello import cards, checklists, columns
from cli.import_.trello.card_replay import CardReplay, ReplayParts, Steps
from cli.import_.trello.card_state import CardState
from cli.import_.trello.cards import CardStory
from cli.import_.trello.export import Action
from commands.comment import AddComment
from commands.handling.command_on import CommandOn
from commands.project import EditProject

UNNAMED_BOARD: Final = "Unnamed board"
Handler = Callable[[CardState, CardStory, Action], Steps]


class Replay:
    """The board as the actions leave it. They are replayed one by one, in the order of their times."""

    def __init__(self, parts: ReplayParts, cards_replay: CardReplay) -> None:
        self._parts, self._cards, self._texts = parts, cards_replay, parts.texts
        self._seen: dict[str, int] = {}
        self._handlers: dict[str, Handler] = {
            "updateCard": self._update,
            "commentCard": self._comment,
            cards.ADDS_MEMBER: lambda state, _, action: self._cards.assign(state, cards.member_of(action)),
            cards.REMOVES_MEMBER: lambda state, _, action: self._cards.unassign(state, cards.member_of(action)),
            checklists.TICKS: self._tick,
            cards.DELETES: lambda state, _story, _action: self._cards.trash(state),
            cards.LEAVES: lambda state, _story, _action: self._cards.set_archived(state, archived=True),
            **dict.fromkeys(checklists.ADDS, self._add_checklist),
            **dict.fromkeys(cards.CREATES, lambda *_: iter(())),
        }

    def replay(self, action: Action) -> Iterator[Intention]:
        """What an action becomes; nothing if it changes nothing that is carried over."""
        steps = tuple(self._steps(action))
        if steps:
            yield Intention(action.date, action.id_member_creator, steps, action.where)

    def _steps(self, action: Action) -> Steps:
        data = action.data
        if data.card:
            story = self._parts.stories[data.card.id]
            if story.is_told:
                yield from self._card_steps(story, action)
            else:
                self._count_lost(action, "cards")
        elif action.type in columns.CREATES and data.list:
            yield from self._add_list(data.list.id)
        elif action.type == "updateList" and data.list and data.old:
            yield from self._add_list(data.list.id)
            name = data.list.name if data.old.name is not UNSET else None
            pos = data.list.pos if data.old.pos is not UNSET and data.list.pos is not UNSET else None
            yield from self._on_board(self._parts.columns.change(data.list.id, name, pos))
        elif action.type == "updateBoard" and data.board and data.old and data.old.name is not UNSET:
            yield from self._on_board(EditProject(name=self._texts.clean(data.board.name, "name", UNNAMED_BOARD)))

    def _card_steps(self, story: CardStory, action: Action) -> Steps:
        if story.id not in self._cards.cards:
            yield from self._cards.create(story, action.date)
        self._seen[story.id] = self._seen.get(story.id, -1) + 1
        state, handler = self._cards.cards[story.id], self._handlers.get(action.type)
        if state.trashed or handler is None:
            return
        steps = handler(state, story, action)
        is_about_archive = action.type in {cards.DELETES, cards.LEAVES} or (
            action.data.old is not None and action.data.old.closed is not UNSET
        )
        yield from steps if is_about_archive else self._cards.while_in_use(state, steps)

    def _update(self, state: CardState, story: CardStory, action: Action) -> Steps:
        if action.data.old is None:
            return
        new = {name: self._new_value(name, story, action) for name in action.data.old.changed_names}
        comes_back = new.get("closed") is False and state.archived
        yield from self._cards.set_archived(state, archived=False) if comes_back else ()
        yield from self._cards.edit(state, new)
        yield from self._cards.set_done(state, done=bool(new.get("due_complete", state.done)))
        if comes_back or {"id_list", "pos"} & new.keys():
            to = action.data.list_after.id if action.data.list_after else new.get("id_list") or state.list_id
            yield from self._cards.move(state, to, self._new_value("pos", story, action))
        yield from self._cards.set_archived(state, archived=True) if new.get("closed") else ()

    def _new_value(self, name: str, story: CardStory, action: Action) -> Any:
        """The value that a field has after an action: as that names it, else as the next one replaces it."""
        named = getattr(action.data.card, name)
        return story.value_after(name, self._seen[story.id]) if named is UNSET else named

    def _comment(self, state: CardState, story: CardStory, action: Action) -> Steps:
        del story
        text = self._texts.clean(action.data.text, "comment")
        if text:
            comment = self._parts.ids.new_id("comment", action.id, action.date)
            yield CommandOn(comment, AddComment(task_id=state.task, text=text))
        else:
            self._parts.notes.remarks["comments without a visible text were left out"] += 1

    def _tick(self, state: CardState, story: CardStory, action: Action) -> Steps:
        del story
        if item := action.data.check_item:
            if not state.has_item(item.id):
                self._count_lost(action, "items")
            yield from self._cards.tick(state, item.id, done=item.state == "complete")

    def _add_checklist(self, state: CardState, story: CardStory, action: Action) -> Steps:
        if added := action.data.checklist:
            items = self._parts.checklists.with_added(story.id, state.items, added.id)
            yield from self._cards.set_items(state, items)

    def _count_lost(self, action: Action, of: str) -> None:
        self._parts.notes.not_carried[f"actions[] of type {action.type}, of {of} that the file does not have"] += 1

    def _add_list(self, list_id: str) -> Steps:
        if not self._parts.columns.has(list_id):
            yield from self._on_board(self._parts.columns.add(list_id))

    def _on_board(self, command: Any) -> Steps:
        if command is not None:
            yield CommandOn(self._parts.ids.project_id, command)
