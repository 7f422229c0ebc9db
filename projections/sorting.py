"""A sorting: the expressions that a list of tasks is sorted by, and the condition to continue after a cursor."""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct


class Sorting(Struct, frozen=True):
    """Expressions to sort by, the id last, so that no two tasks are equal; `cursor_type` is the type of a cursor.

    They refer to `task`, a row of the task list, or, if the order `reads_text`, to `search`, its row in the task
    search, and to `parameters`.

    A list consists of `parts`, one after the other, each sorted separately, so that an index in this order can return
    the part. A cursor has the number of its part, then the values of the expressions. The parts of an order
    `is_by_relevance` are conditions on the text.
    """

    expressions: tuple[str, ...]
    cursor_type: Any
    is_descending: bool = False
    parts: tuple[str, ...] = ("true",)
    is_by_relevance: bool = False
    reads_text: bool = False
    parameters: Mapping[str, object] = {}

    @property
    def direction(self) -> str:
        return "desc" if self.is_descending else "asc"

    def order_by_sql(self, columns: tuple[str, ...]) -> str:
        """The `order by` list, for columns that hold the values."""
        return ", ".join(f"{name} {self.direction}" for name in columns)

    def after_sql(self, columns: tuple[str, ...]) -> str:
        """The condition for rows after the values in the parameters `after_0` and so on, for such columns."""
        values = ", ".join(f"%(after_{place})s" for place in range(len(self.expressions)))
        return f"({', '.join(columns)}) {'<' if self.is_descending else '>'} ({values})"
