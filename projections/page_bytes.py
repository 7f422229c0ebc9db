"""The byte limit of a page: long values past it stay in the database, and what was read is cut exactly, as JSON."""

from collections.abc import Sequence

from msgspec import Raw

MAX_PAGE_BYTES = 1024 * 1024
"""A page ends before the item that would exceed this; an item that exceeds it alone has a page to itself."""


def bytes_before_sql(column: str, order_sql: str) -> str:
    """The bytes of this column in the rows before a row; PostgreSQL knows the length of a value without reading it."""
    return (
        f"(sum(octet_length({column})) over (order by {order_sql} rows unbounded preceding) - octet_length({column}))"
    )


def count_within_bytes(items: Sequence[Raw]) -> int:
    """How many of the first items fit a page; at least one."""
    size = 0
    for count, item in enumerate(items):
        size += len(bytes(item)) + len(",")
        if size > MAX_PAGE_BYTES:
            return max(1, count)
    return len(items)
