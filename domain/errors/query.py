"""Refusals of a query: its filter, its order, its cursor, its key; and of a filter to save."""

from domain.errors.refusal import Refusal


class FilterSyntax(Refusal):
    """The filter has a syntax error."""


class UnknownField(Refusal):
    """The filter uses a field that tasks do not have."""


class FilterValue(Refusal):
    """The filter uses a value or an operator that the field does not allow."""


class FilterTooLong(Refusal):
    """The filter is too long."""


class SortNeedsText(Refusal):
    """Sorting by relevance needs search text in the filter."""


class UnknownSortField(Refusal):
    """No project here has a custom field of this name to sort by."""


class BadCursor(Refusal):
    """This cursor is invalid. Send next_cursor as you received it."""


class CursorMismatch(Refusal):
    """This cursor belongs to another list."""


class InTheFuture(Refusal):
    """This time or position has not come yet."""


class AmbiguousKey(Refusal):
    """Two of your workspaces have this key. Use the id."""


class TooManyFilters(Refusal):
    """You have the maximum number of saved filters. Delete one that you do not use."""


class FilterIsBuiltin(Refusal):
    """Built-in filters cannot be changed. Save one of your own."""
