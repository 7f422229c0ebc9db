"""The checklists of a card as one: the items that the export still has, as they were before they were ticked."""

from collections.abc import Iterable, Sequence
from typing import Final

from msgspec import Struct

from cli.import_.history.texts import Texts
from cli.import_.trello.export import Action, Checklist, Export
from commands.checklist import MAX_CHECKLIST_ITEMS, ChecklistItemSpec

ADDS: Final = frozenset({"addChecklistToCard", "copyChecklist"})
TICKS: Final = "updateCheckItemStateOnCard"


class Item(Struct):
    """An item of a card, with its id in the file."""

    id: str
    text: str
    done: bool


class CardChecklists:
    """The checklists of the cards, by card."""

    def __init__(self, export: Export, actions: Iterable[Action], texts: Texts) -> None:
        self._texts = {
            item.id: texts.clean(item.name, "checklist item") for one in export.checklists for item in one.check_items
        }
        self._notes = texts.notes
        self._of_card: dict[str, list[Checklist]] = {}
        for checklist in sorted(export.checklists, key=lambda one: (one.pos, one.id)):
            self._of_card.setdefault(checklist.id_card, []).append(checklist)
        self._first_ticks: dict[str, bool] = {}
        self._added_later: set[str] = set()
        for action in actions:
            data = action.data
            if action.type == TICKS and data.check_item:
                self._first_ticks.setdefault(data.check_item.id, data.check_item.state == "complete")
            if action.type in ADDS and data.checklist:
                self._added_later.add(data.checklist.id)

    def at_creation(self, card: str) -> list[Item]:
        """The items of the checklists of which no action says when they were added."""
        return self._items(one for one in self._of_card.get(card, ()) if one.id not in self._added_later)

    def with_added(self, card: str, items: Sequence[Item], checklist_id: str) -> list[Item]:
        """The items of a card that gets one more checklist, at its place among the others."""
        known = {item.id: item for item in items}
        shown = [
            one
            for one in self._of_card.get(card, ())
            if one.id == checklist_id or any(item.id in known for item in one.check_items)
        ]
        return [known.get(item.id, item) for item in self._items(shown)]

    def final(self, card: str) -> list[Item]:
        """The items as the snapshot has them."""
        return self._items(self._of_card.get(card, ()), is_final=True)

    def _items(self, checklists: Iterable[Checklist], *, is_final: bool = False) -> list[Item]:
        found = [
            Item(item.id, text, item.state == "complete" if is_final else self._began_done(item.id, item.state))
            for checklist in checklists
            for item in sorted(checklist.check_items, key=lambda one: (one.pos, one.id))
            if (text := self._texts[item.id])
        ]
        if len(found) > MAX_CHECKLIST_ITEMS and is_final:
            self._notes.remarks[f"items of a checklist after the first {MAX_CHECKLIST_ITEMS} were left out"] += 1
        return found[:MAX_CHECKLIST_ITEMS]

    def _began_done(self, item: str, state: str) -> bool:
        first = self._first_ticks.get(item)
        return state == "complete" if first is None else not first


def specs_of(items: Iterable[Item]) -> tuple[ChecklistItemSpec, ...]:
    """The items as a command sets them; those that a task has already are found by their texts."""
    return tuple(ChecklistItemSpec(text=item.text, done=item.done) for item in items)
