"""A checklist: the ordered items of one task, which are done or not."""

from typing import ClassVar
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from domain.event import Change, Event


class ChecklistItem(Struct, frozen=True):
    """An item; its id is permanent, its text and its place may change."""

    id: UUID
    text: str
    done: bool = False


Checklist = tuple[ChecklistItem, ...]


class ChecklistSet(Event, frozen=True):
    """The whole checklist, in order."""

    checklist: Change[Checklist]


class ChecklistItemChecked(Event, frozen=True):
    changes_part_of: ClassVar = "checklist"

    item_id: UUID
    text: str
    done: Change[bool] = Change(old=False, new=True)

    def after_part_change(self, value: Checklist) -> Checklist:
        return _with_item_done(value, self.item_id, is_done=True)


class ChecklistItemUnchecked(Event, frozen=True):
    changes_part_of: ClassVar = "checklist"

    item_id: UUID
    text: str
    done: Change[bool] = Change(old=True, new=False)

    def after_part_change(self, value: Checklist) -> Checklist:
        return _with_item_done(value, self.item_id, is_done=False)


def _with_item_done(checklist: Checklist, item_id: UUID, *, is_done: bool) -> Checklist:
    return tuple(replace(item, done=is_done) if item.id == item_id else item for item in checklist)
