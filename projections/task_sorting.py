"""The orders in which tasks are listed: what each goes by, and where a page of it goes on."""

from datetime import datetime
from typing import Annotated, Any, Final, Literal, TypeAlias
from uuid import UUID

from msgspec import Meta, Struct

from domain.errors import SortNeedsText
from projections.task_list import NO_DUE_AT

TaskSort: TypeAlias = Literal[
    "rank", "-rank", "due", "-due", "priority", "-priority", "created", "-created",
    "updated", "-updated", "key", "-key", "relevance", "-relevance",
]  # fmt: skip
_NO_DUE_AT_SQL: Final = f"'{NO_DUE_AT.isoformat()}'::timestamptz"
_ProjectKey: TypeAlias = Annotated[str, Meta(pattern="^[A-Z][A-Z0-9]*$", max_length=20)]


class Sorting(Struct, frozen=True):
    """Expressions to sort by, the id last, so that no two tasks are equal; `kind` is the type of their values.

    A list comes in `parts`, one after the other, each sorted alone, so that an index that has the part in this order
    gives it so. What a page ended with is the number of its part, then the values.
    """

    expressions: tuple[str, ...]
    cursor_type: Any
    is_descending: bool = False
    parts: tuple[str, ...] = ("true",)
    is_by_relevance: bool = False

    @property
    def direction(self) -> str:
        return "desc" if self.is_descending else "asc"

    def order_by_sql(self, columns: tuple[str, ...]) -> str:
        """What `order by` says, for columns that hold the values."""
        return ", ".join(f"{name} {self.direction}" for name in columns)

    def after_sql(self, columns: tuple[str, ...]) -> str:
        """The condition of what comes after the values in the parameters `after_0` and so on, for such columns."""
        values = ", ".join(f"%(after_{place})s" for place in range(len(self.expressions)))
        return f"({', '.join(columns)}) {'<' if self.is_descending else '>'} ({values})"


_EXPRESSIONS: Final[dict[str, tuple[tuple[str, ...], Any]]] = {
    "rank": (("task.number",), tuple[int, int, UUID]),
    "key": (("split_part(task.key, '-', 1)", "task.number"), tuple[int, _ProjectKey, int, UUID]),
    "due": (("task.due_at",), tuple[int, datetime, UUID]),
    "priority": (("task.urgency",), tuple[int, int, UUID]),
    "created": (("task.created_at",), tuple[int, datetime, UUID]),
    "updated": (("task.updated_hour", "task.updated_at"), tuple[int, int, datetime, UUID]),
}
_RELEVANCE_CURSOR_TYPE: Final = tuple[int, float, UUID]


def sorting_for(sort: TaskSort, rank_sql: str, *, is_project: bool) -> Sorting:
    """The order of that name; `rank` is how well a task fits the text that is searched for, in SQL, '' without any.

    Tasks without a due date come last both ways. What fits best is most relevant, and comes first unless that is
    turned round. Raises SortNeedsText.
    """
    name, is_down = sort.removeprefix("-"), sort.startswith("-")
    if name == "relevance":
        if not rank_sql:
            raise SortNeedsText
        return Sorting((f"({rank_sql})::float8", "task.id"), _RELEVANCE_CURSOR_TYPE, not is_down, is_by_relevance=True)
    by, kind = _EXPRESSIONS["key" if name == "rank" and not is_project else name]
    # Not `=`: where only the id is left to sort by, the primary key is, and that goes through everybody's tasks.
    parts = (f"task.due_at < {_NO_DUE_AT_SQL}", f"task.due_at >= {_NO_DUE_AT_SQL}") if sort == "-due" else ("true",)
    return Sorting((*by, "task.id"), kind, is_down, parts)


def default_sort(rank_sql: str, *, is_project: bool) -> TaskSort:
    """The order where nobody says: what fits the text best, else by rank in a project, what changed last elsewhere."""
    if rank_sql:
        return "relevance"
    return "rank" if is_project else "-updated"
