"""The order of the cards in the lists of a board, and where one comes to stand that gets a position."""

from bisect import bisect_left, insort
from collections import defaultdict
from typing import Any, Final
from uuid import UUID

BOTTOM: Final[dict[str, Any]] = {"bottom": True}


class Places:
    """The open cards of each list, by position; two that have the same one are in the order of their ids."""

    def __init__(self) -> None:
        self._cards: defaultdict[str, list[tuple[float, UUID]]] = defaultdict(list)
        self._places: dict[UUID, tuple[str, float]] = {}

    def put(self, task: UUID, list_id: str, pos: float) -> dict[str, Any]:
        """Put a card into a list; returns its place as `MoveTask` names it."""
        self.remove(task)
        others = self._cards[list_id]
        at = bisect_left(others, (pos, task))
        insort(others, (pos, task))
        self._places[task] = list_id, pos
        if at == len(others) - 1:
            return BOTTOM
        return {"after": str(others[at - 1][1])} if at else {"top": True}

    def remove(self, task: UUID) -> None:
        """Take a card out of its list, if it is in one."""
        if place := self._places.pop(task, None):
            list_id, pos = place
            self._cards[list_id].remove((pos, task))
