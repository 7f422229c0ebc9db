"""The orders in which tasks are listed: what each goes by, and where a page of it goes on."""

from datetime import datetime
from typing import Annotated, Any, Final, Literal, TypeAlias
from uuid import UUID

from msgspec import Meta, Struct

from domain.errors import SortNeedsText
from projections.task_list import NO_DUE

Sort: TypeAlias = Literal[
    "rank", "-rank", "due", "-due", "priority", "-priority", "created", "-created",
    "updated", "-updated", "key", "-key", "relevance", "-relevance",
]  # fmt: skip
_NO_DUE: Final = f"'{NO_DUE.isoformat()}'::timestamptz"
_Prefix: TypeAlias = Annotated[str, Meta(pattern="^[A-Z][A-Z0-9]*$", max_length=20)]


class Order(Struct, frozen=True):
    """Expressions to sort by, the id last, so that no two tasks are equal; `kind` is the type of their values.

    A list comes in `parts`, one after the other, each sorted alone, so that an index that has the part in this order
    gives it so. What a page ended with is the number of its part, then the values.
    """

    by: tuple[str, ...]
    kind: Any
    is_down: bool = False
    parts: tuple[str, ...] = ("true",)
    is_by_words: bool = False

    @property
    def way(self) -> str:
        return "desc" if self.is_down else "asc"

    def sorting(self, names: tuple[str, ...]) -> str:
        """What `order by` says, for columns that hold the values."""
        return ", ".join(f"{name} {self.way}" for name in names)

    def beyond(self, names: tuple[str, ...]) -> str:
        """The condition of what comes after the values in the parameters `after_0` and so on, for such columns."""
        values = ", ".join(f"%(after_{place})s" for place in range(len(self.by)))
        return f"({', '.join(names)}) {'<' if self.is_down else '>'} ({values})"


_BY: Final[dict[str, tuple[tuple[str, ...], Any]]] = {
    "rank": (("task.number",), tuple[int, int, UUID]),
    "key": (("split_part(task.key, '-', 1)", "task.number"), tuple[int, _Prefix, int, UUID]),
    "due": (("task.due_at",), tuple[int, datetime, UUID]),
    "priority": (("task.urgency",), tuple[int, int, UUID]),
    "created": (("task.created_at",), tuple[int, datetime, UUID]),
    "updated": (("task.updated_hour", "task.updated_at"), tuple[int, int, datetime, UUID]),
}
_RELEVANT: Final = tuple[int, float, UUID]


def order(sort: Sort, rank: str, *, is_project: bool) -> Order:
    """The order of that name; `rank` is how well a task fits the text that is searched for, in SQL, '' without any.

    Tasks without a due date come last both ways. What fits best is most relevant, and comes first unless that is
    turned round. Raises SortNeedsText.
    """
    name, is_down = sort.removeprefix("-"), sort.startswith("-")
    if name == "relevance":
        if not rank:
            raise SortNeedsText
        return Order((f"({rank})::float8", "task.id"), _RELEVANT, not is_down, is_by_words=True)
    by, kind = _BY["key" if name == "rank" and not is_project else name]
    # Not `=`: where only the id is left to sort by, the primary key is, and that goes through everybody's tasks.
    parts = (f"task.due_at < {_NO_DUE}", f"task.due_at >= {_NO_DUE}") if sort == "-due" else ("true",)
    return Order((*by, "task.id"), kind, is_down, parts)


def usual(rank: str, *, is_project: bool) -> Sort:
    """The order where nobody says: what fits the text best, else by rank in a project, what changed last elsewhere."""
    if rank:
        return "relevance"
    return "rank" if is_project else "-updated"
