"""A card while its actions are replayed: what our task of it has at that time."""

from uuid import UUID

from msgspec import Struct, field

from cli.import_.trello.checklists import Item


class CardState(Struct):
    """The values of the task of a card, as valid as they were sent; the list and the members by their ids."""

    task: UUID
    list_id: str
    title: str
    description: str
    due: str | None
    start: str | None
    members: list[str]
    items: list[Item] = field(default_factory=list)
    done: bool = False
    archived: bool = False
    trashed: bool = False

    def has_item(self, item_id: str) -> bool:
        """Whether its checklist has an item."""
        return any(item.id == item_id for item in self.items)
