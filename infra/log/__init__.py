"""The event log: the only package that knows the log's SQL. Its `EventLog` appends; reading needs no other module."""

from infra.log.queries import (
    EventSelection,
    count_after,
    count_last_second,
    has_type,
    head,
    in_commit_order,
    iter_events,
    load_after,
    load_at,
    load_events_of_types,
    load_stream,
    load_touching,
    position_before_last,
)
from infra.log.rows import MAX_VERSION

__all__ = [
    "MAX_VERSION",
    "EventSelection",
    "count_after",
    "count_last_second",
    "has_type",
    "head",
    "in_commit_order",
    "iter_events",
    "load_after",
    "load_at",
    "load_events_of_types",
    "load_stream",
    "load_touching",
    "position_before_last",
]
