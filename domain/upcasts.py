"""Upcasts: conversions of retired events to current ones, applied on read."""

from collections.abc import Callable
from typing import Any

EventFields = dict[str, Any]


def _upcast_task_number(stored: EventFields) -> EventFields:
    return {"first": stored["number"], "last": stored["number"]}


UPCASTS: dict[str, tuple[str, Callable[[EventFields], EventFields]]] = {
    "TaskNumberTaken": ("TaskNumbersTaken", _upcast_task_number),
}
"""By stored name: the name to read it as, possibly retired too, and the conversion of its fields."""
