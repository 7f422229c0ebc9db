"""The export of a Trello board, as far as it is read: a snapshot, and up to 1,000 actions, the newest first."""

from datetime import datetime
from typing import Annotated, Any, Final

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from infra.errors import OperatorError

HOW_TO_EXPORT: Final = "In Trello, it is Print, export and share, Export as JSON, in the menu of the board."
Time = Annotated[datetime, Meta(tz=True)]


class _Part(Struct, frozen=True, rename="camel"):
    """A part of an export; members that are not read are allowed."""


class Fields(_Part, frozen=True):
    """Fields of a card, a list or the board, as an action names them: the values before it, or those after it."""

    name: str | UnsetType = UNSET
    desc: str | UnsetType = UNSET
    due: str | UnsetType | None = UNSET
    start: str | UnsetType | None = UNSET
    pos: float | UnsetType = UNSET
    closed: bool | UnsetType | None = UNSET
    due_complete: bool | UnsetType | None = UNSET
    id_list: str | UnsetType = UNSET

    @property
    def changed_names(self) -> list[str]:
        """The names of the fields that an action names."""
        return [name for name in Fields.__struct_fields__ if getattr(self, name) is not UNSET]


class ActionCard(Fields, frozen=True, rename="camel"):
    id: str = ""


class ListRef(_Part, frozen=True):
    """A list as an action names it."""

    id: str
    name: str = ""
    pos: float | UnsetType = UNSET


class Reference(_Part, frozen=True):
    id: str
    name: str = ""
    state: str = ""


class ActionData(_Part, frozen=True):
    board: Reference | None = None
    card: ActionCard | None = None
    list: ListRef | None = None
    list_before: ListRef | None = None
    list_after: ListRef | None = None
    old: Fields | None = None
    checklist: Reference | None = None
    check_item: Reference | None = None
    text: str = ""
    id_member: str = ""


class Member(_Part, frozen=True):
    id: str
    full_name: str | None = None
    username: str | None = None
    email: str | None = None


class Action(_Part, frozen=True):
    id: str
    type: str
    date: Time
    data: ActionData = ActionData()
    id_member_creator: str | None = None
    member_creator: Member | None = None
    member: Member | None = None

    @property
    def where(self) -> str:
        return f"{self.type} of {self.date:%Y-%m-%d %H:%M} ({self.id})"


class Label(_Part, frozen=True):
    id: str
    name: str = ""
    color: str | None = None


class Card(_Part, frozen=True):
    id: str
    name: str
    id_list: str
    desc: str = ""
    due: str | None = None
    start: str | None = None
    pos: float = 0
    closed: bool = False
    due_complete: bool = False
    id_members: tuple[str, ...] = ()
    labels: tuple[Label, ...] = ()


class BoardList(_Part, frozen=True):
    id: str
    name: str
    pos: float = 0
    closed: bool = False


class CheckItem(_Part, frozen=True):
    id: str
    name: str
    state: str = "incomplete"
    pos: float = 0


class Checklist(_Part, frozen=True):
    id: str
    id_card: str
    name: str = ""
    pos: float = 0
    check_items: tuple[CheckItem, ...] = ()


class Export(_Part, frozen=True):
    id: str
    name: str
    actions: tuple[Action, ...]
    cards: tuple[Card, ...]
    lists: tuple[BoardList, ...]
    members: tuple[Member, ...] = ()
    checklists: tuple[Checklist, ...] = ()


def read_export(value: Any, name: str) -> Export:
    """The export that a JSON value is; raises OperatorError."""
    if not isinstance(value, dict) or not {"actions", "cards", "lists"} <= value.keys():
        raise OperatorError(
            f"{name} is no export of a Trello board: it has no actions, cards and lists. {HOW_TO_EXPORT}"
        )
    try:
        export = msgspec.convert(value, Export)
    except msgspec.ValidationError as error:
        raise OperatorError(f"{name} is no export of a Trello board as this version knows it: {error}.") from error
    if not export.lists:
        raise OperatorError(f"{name} has no lists: there is nothing to import.")
    return export
