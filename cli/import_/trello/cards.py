"""What the file tells of each card: its snapshot, its actions, and what its fields were when that begins."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from msgspec import UNSET, Struct

from cli.import_.trello.export import Action, Card, Export

CREATES: Final = frozenset(
    {"createCard", "copyCard", "convertToCardFromCheckItem", "emailCard", "moveCardToBoard", "addCard"}
)
DELETES: Final = "deleteCard"
LEAVES: Final = "moveCardFromBoard"
ADDS_MEMBER: Final = "addMemberToCard"
REMOVES_MEMBER: Final = "removeMemberFromCard"
_OBJECT_ID_CHARS: Final = 24
_DEFAULTS: Final[Mapping[str, Any]] = {
    "name": "",
    "desc": "",
    "due": None,
    "start": None,
    "pos": float("inf"),
    "closed": False,
    "due_complete": False,
    "id_list": "",
}


class CardStory(Struct, frozen=True):
    """A card of the snapshot, or one that only actions name; the actions in the order of their times."""

    id: str
    card: Card | None
    actions: tuple[Action, ...]

    def first(self, field: str) -> Any:
        """The value with which what the file tells of the card begins."""
        return self.value_after(field, -1)

    def value_after(self, field: str, index: int) -> Any:
        """The value after the action of that index: what the next one that changes it replaces, else the last."""
        for action in self.actions[index + 1 :]:
            old = _old_value(action, field)
            if old is not UNSET:
                return old
        return self.last(field)

    def last(self, field: str) -> Any:
        """The value of the snapshot, else the last one that an action mentions."""
        if self.card:
            return getattr(self.card, field)
        mentioned = (getattr(one.data.card, field) for one in reversed(self.actions) if one.data.card)
        return next((value for value in mentioned if value is not UNSET), _DEFAULTS[field])

    @property
    def first_list(self) -> str:
        """The list in which it begins; '' if the file does not say."""
        for action in self.actions:
            data = action.data
            if data.list_before:
                return data.list_before.id
            if data.old and isinstance(data.old.id_list, str):
                return data.old.id_list
            if action.type in CREATES and data.list:
                return data.list.id
        if self.card:
            return self.card.id_list
        return next((one.data.list.id for one in self.actions if one.data.list), "")

    @property
    def first_members(self) -> tuple[str, ...]:
        """The members with whom it begins: those at the end, with all changes taken back."""
        members = dict.fromkeys(self.card.id_members if self.card else ())
        for action in reversed(self.actions):
            if action.type == ADDS_MEMBER:
                members.pop(member_of(action), None)
            elif action.type == REMOVES_MEMBER:
                members[member_of(action)] = None
        return tuple(members)

    @property
    def is_told(self) -> bool:
        """Whether it can be shown: a deleted card has nothing but its id."""
        return bool(self.card or (self.last("name") and self.first_list))

    def begins_at(self, start: datetime) -> datetime:
        """When it appears on the board: with its first action, or when its id was made, if that tells earlier."""
        first = self.actions[0].date if self.actions else None
        made = _made_at(self.id)
        if first is not None and self.actions[0].type in CREATES:
            return first
        known = [at for at in (first, made) if at is not None]
        return max(start, min(known)) if known else start


def read_stories(export: Export, actions: Sequence[Action]) -> Mapping[str, CardStory]:
    """The story of each card by its id."""
    of_card: dict[str, list[Action]] = {card.id: [] for card in export.cards}
    for action in actions:
        if action.data.card and action.data.card.id:
            of_card.setdefault(action.data.card.id, []).append(action)
    cards = {card.id: card for card in export.cards}
    return {each: CardStory(each, cards.get(each), tuple(found)) for each, found in of_card.items()}


def member_of(action: Action) -> str:
    """The member that an action on a card is about."""
    return action.data.id_member or (action.member.id if action.member else "")


def people_in(export: Export) -> Iterable[str]:
    """The ids of all people in the order in which they are found."""
    for action in export.actions:
        yield from (each for each in (action.id_member_creator, member_of(action)) if each)
    yield from (member for card in export.cards for member in card.id_members)
    yield from (member.id for member in export.members)


def _old_value(action: Action, field: str) -> Any:
    old = action.data.old if action.type == "updateCard" else None
    return UNSET if old is None else getattr(old, field)


def _made_at(card_id: str) -> datetime | None:
    """The time in an id of MongoDB, in seconds; None for other ids."""
    try:
        seconds = int(card_id[:8], 16) if len(card_id) == _OBJECT_ID_CHARS else None
    except ValueError:
        return None
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
