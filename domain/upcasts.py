"""Upcasts: how an event that is no longer written is read, as one that is."""

from collections.abc import Callable
from typing import Any

EventFields = dict[str, Any]


def _upcast_task_number(stored: EventFields) -> EventFields:
    return {"first": stored["number"], "last": stored["number"]}


UPCASTS: dict[str, tuple[str, Callable[[EventFields], EventFields]]] = {
    "TaskNumberTaken": ("TaskNumbersTaken", _upcast_task_number),
}
"""By stored name: the name that it is read as, perhaps an old one too, and what its fields become."""
