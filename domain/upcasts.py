"""Upcasts: how an event that is no longer written is read, as one that is."""

from collections.abc import Callable
from typing import Any

Fields = dict[str, Any]


def _one_number(stored: Fields) -> Fields:
    return {"first": stored["number"], "last": stored["number"]}


UPCASTS: dict[str, tuple[str, Callable[[Fields], Fields]]] = {
    "TaskNumberTaken": ("TaskNumbersTaken", _one_number),
}
"""By stored name: the name that it is read as, perhaps an old one too, and what its fields become."""
