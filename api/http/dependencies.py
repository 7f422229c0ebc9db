"""The basis of an answer: what was read for it, and by which rights; as long as all of that holds, the answer does."""

from collections.abc import Iterable
from typing import Any

from litestar import Request

from infra.identity.permissions import Permission
from infra.reading.reader import ReadResult

_SCOPE_KEY = "taskledger.basis"


class Dependencies:
    """What the answer to one request rests on, as far as it is known; `shown` is what it shows, if that is all."""

    def __init__(self) -> None:
        self.reads: list[ReadResult] = []
        self.permissions: list[Permission] = []
        self.body_read: ReadResult | None = None
        self.is_cacheable = True

    def depends_on(self, read: ReadResult, permissions: Iterable[Permission]) -> None:
        """On something that was read, and on the rights to see it."""
        self.reads.append(read)
        self.permissions += permissions

    def position_and_age(self) -> tuple[int, float | None]:
        """The position that all of it includes, and the age of the oldest, where any is old."""
        ages = [one.age_s for one in self.reads if one.age_s is not None]
        return min(one.position for one in self.reads), max(ages, default=None)

    def uncacheable(self) -> None:
        """It rests on something else too: on the time, or on what nobody tells of when it changes."""
        self.is_cacheable = False


def dependencies_of(request: Request[Any, Any, Any]) -> Dependencies:
    """The one of a request."""
    scope: Any = request.scope
    dependencies: Dependencies = scope.setdefault(_SCOPE_KEY, Dependencies())
    return dependencies


def recorded_dependencies(scope: Any) -> Dependencies | None:
    """The one that was begun while a request was answered, if any was."""
    found: Dependencies | None = scope.get(_SCOPE_KEY)
    return found
