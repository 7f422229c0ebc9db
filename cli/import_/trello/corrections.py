"""What the snapshot of a board has and no action tells of: set at the time of the import, and counted."""

from collections.abc import Iterator
from typing import Final

from cli.import_.history.intention import Intention
from cli.import_.trello.card_replay import CardReplay, ReplayParts, Steps
from cli.import_.trello.card_state import CardState
from cli.import_.trello.export import Card, Export, Label
from commands.field_types import MAX_LABELS_PER_TASK
from commands.handling.command_on import CommandOn
from commands.task import EditTask
from domain.label import distinct_labels

_UNNAMED_LABEL: Final = "Unnamed label"


class Corrections:
    """The last intentions of a board: labels, of which there are no actions, and what differs from the snapshot."""

    def __init__(self, parts: ReplayParts, cards: CardReplay) -> None:
        self._parts, self._cards, self._texts = parts, cards, parts.texts

    def of(self, export: Export) -> Iterator[Intention]:
        """An intention for each list and each card that needs one."""
        for one in export.lists:
            known = self._parts.columns.has(one.id)
            command = self._parts.columns.change(one.id, one.name, one.pos) if known else None
            if command:
                self._parts.notes.corrections["lists[].name and pos"] += 1
                yield self._intention((CommandOn(self._parts.ids.project_id, command),), f"list {one.id}")
        shown = {card.id: card for card in export.cards}
        for card_id, state in self._cards.cards.items():
            steps = tuple(self._of_card(state, shown[card_id]) if card_id in shown else self._of_lost_card(state))
            if steps:
                yield self._intention(steps, f"card {card_id}")

    def _of_card(self, state: CardState, card: Card) -> Steps:
        if state.archived and not card.closed:
            yield from self._counted("closed", self._cards.set_archived(state, archived=False))
        yield from self._cards.while_in_use(state, self._fields(state, card))
        if card.closed:
            yield from self._counted("closed", self._cards.set_archived(state, archived=True))

    def _of_lost_card(self, state: CardState) -> Steps:
        """A card that left the board, and no action says how."""
        if not (state.trashed or state.archived):
            self._parts.notes.remarks["cards that are on the board no longer were archived"] += 1
            yield from self._cards.set_archived(state, archived=True)

    def _fields(self, state: CardState, card: Card) -> Steps:
        for name in ("name", "desc", "due", "start"):
            yield from self._counted(name, self._cards.edit(state, {name: getattr(card, name)}))
        yield from self._counted("dueComplete", self._cards.set_done(state, done=card.due_complete))
        if card.id_list != state.list_id:
            yield from self._counted("idList", self._cards.move(state, card.id_list, card.pos))
        for member in [each for each in state.members if each not in card.id_members]:
            yield from self._counted("idMembers", self._cards.unassign(state, member))
        for member in card.id_members:
            yield from self._counted("idMembers", self._cards.assign(state, member))
        items = self._parts.checklists.final(card.id)
        yield from self._counted("checklists", self._cards.set_items(state, items))
        if labels := self._labels(card):
            yield CommandOn(state.task, EditTask(labels=labels))

    def _counted(self, field: str, steps: Steps) -> Steps:
        for step in steps:
            self._parts.notes.corrections[f"cards[].{field}"] += 1
            yield step

    def _labels(self, card: Card) -> tuple[str, ...]:
        names = (self._texts.clean(_name_of(label), "label", _UNNAMED_LABEL) for label in card.labels)
        found = distinct_labels(tuple(names))
        if len(found) > MAX_LABELS_PER_TASK:
            self._parts.notes.remarks[f"labels after the first {MAX_LABELS_PER_TASK} of a card were left out"] += 1
        return found[:MAX_LABELS_PER_TASK]

    @staticmethod
    def _intention(steps: tuple[object, ...], where: str) -> Intention:
        return Intention(None, None, steps, where)  # type: ignore[arg-type]


def _name_of(label: Label) -> str:
    """The name, or the colour as Trello shows it."""
    return label.name if label.name.strip() else label.color or ""
