"""Commands about the checklist of a task: set it, check and uncheck an item."""

from collections.abc import Iterator, Sequence
from typing import Annotated, ClassVar
from uuid import UUID

from msgspec import Meta, Struct

from commands.command import DecisionContext, OtherStreamEvent, require_found
from commands.task_command import TaskCommand, require_editable_task
from commands.text_patterns import LINE_PATTERN
from domain.checklist import Checklist, ChecklistItem, ChecklistItemChecked, ChecklistItemUnchecked, ChecklistSet
from domain.errors import ChecklistItemRepeated, NotFound
from domain.event import Change, Event
from domain.task import Task

MAX_CHECKLIST_ITEMS = 200
"""Per task."""
ItemText = Annotated[str, Meta(min_length=1, max_length=500, pattern=LINE_PATTERN, examples=["Buy nails"])]


class ChecklistItemSpec(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """An item as requested: one that the task has, by its id, or a new one."""

    text: ItemText
    id: UUID | None = None
    done: bool = False


ChecklistSpec = Annotated[tuple[ChecklistItemSpec, ...], Meta(max_length=MAX_CHECKLIST_ITEMS)]


class SetChecklist(TaskCommand, frozen=True, kw_only=True):
    """Set the checklist of a task: all its items, in order."""

    requires_version: ClassVar = True
    changed_fields: ClassVar = frozenset({"checklist"})

    items: ChecklistSpec

    def decide(self, state: Task | None, context: DecisionContext) -> Iterator[Event | OtherStreamEvent]:
        task = require_editable_task(state, context)
        checklist = resolve_checklist(self.items, task.checklist, context)
        if checklist != task.checklist:
            yield ChecklistSet(Change(task.checklist, checklist))


class CheckItem(TaskCommand, frozen=True, kw_only=True):
    """Check an item of the checklist of a task."""

    changed_fields: ClassVar = frozenset({"checklist"})

    item_id: UUID | None = None

    def decide(self, state: Task | None, context: DecisionContext) -> Iterator[Event | OtherStreamEvent]:
        item = _find_item(require_editable_task(state, context), self.item_id)
        if not item.done:
            yield ChecklistItemChecked(item.id, item.text)


class UncheckItem(TaskCommand, frozen=True, kw_only=True):
    """Uncheck an item of the checklist of a task."""

    changed_fields: ClassVar = frozenset({"checklist"})

    item_id: UUID | None = None

    def decide(self, state: Task | None, context: DecisionContext) -> Iterator[Event | OtherStreamEvent]:
        item = _find_item(require_editable_task(state, context), self.item_id)
        if item.done:
            yield ChecklistItemUnchecked(item.id, item.text)


def resolve_checklist(
    items: Sequence[ChecklistItemSpec], known: Sequence[ChecklistItem], context: DecisionContext
) -> Checklist:
    """The items with their ids; one without is the known item of that text that no other claims, or a new one.

    Raises NotFound or ChecklistItemRepeated.
    """
    if not items:
        return ()
    given = [item.id for item in items if item.id is not None]
    if not {item.id for item in known}.issuperset(given):
        raise NotFound
    if len(set(given)) < len(given):
        raise ChecklistItemRepeated
    unclaimed = [item for item in known if item.id not in given]
    return tuple(
        ChecklistItem(item.id or _claim(unclaimed, item.text) or context.new_id(), item.text, item.done)
        for item in items
    )


def _claim(unclaimed: list[ChecklistItem], text: str) -> UUID | None:
    """The id of an unclaimed item of that text, which it takes from the list."""
    found = next((item for item in unclaimed if item.text == text), None)
    if found is None:
        return None
    unclaimed.remove(found)
    return found.id


def _find_item(task: Task, item_id: UUID | None) -> ChecklistItem:
    return require_found(next((item for item in task.checklist if item.id == item_id), None))
