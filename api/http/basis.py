"""The basis of an answer: what was read for it, and by which rights; as long as all of that holds, the answer does."""

from collections.abc import Iterable
from typing import Any

from litestar import Request

from infra.identity.permissions import Right
from infra.reading.reader import Found

_BASIS = "taskledger.basis"


class Basis:
    """What the answer to one request rests on, as far as it is known; `shown` is what it shows, if that is all."""

    def __init__(self) -> None:
        self.found: list[Found] = []
        self.rights: list[Right] = []
        self.shown: Found | None = None
        self.is_whole = True

    def rests_on(self, found: Found, rights: Iterable[Right]) -> None:
        """On something that was read, and on the rights to see it."""
        self.found.append(found)
        self.rights += rights

    def extent(self) -> tuple[int, float | None]:
        """The position that all of it includes, and the age of the oldest, where any is old."""
        ages = [one.age for one in self.found if one.age is not None]
        return min(one.position for one in self.found), max(ages, default=None)

    def is_more(self) -> None:
        """It rests on something else too: on the time, or on what nobody tells of when it changes."""
        self.is_whole = False


def basis(request: Request[Any, Any, Any]) -> Basis:
    """The one of a request."""
    scope: Any = request.scope
    found: Basis = scope.setdefault(_BASIS, Basis())
    return found


def of(scope: Any) -> Basis | None:
    """The one that was begun while a request was answered, if any was."""
    found: Basis | None = scope.get(_BASIS)
    return found
