"""The dependencies of a response: the reads and permissions that it was built from, and that keep it valid."""

from collections.abc import Iterable
from typing import Any

from litestar import Request

from infra.identity.permissions import Permission
from infra.reading.reader import ReadResult

_SCOPE_KEY = "taskledger.basis"


class Dependencies:
    """What the response to one request depends on; `body_read` is the read that its body shows, if it is just one."""

    def __init__(self) -> None:
        self.reads: list[ReadResult] = []
        self.permissions: list[Permission] = []
        self.body_read: ReadResult | None = None
        self.is_cacheable = True

    def depends_on(self, read: ReadResult, permissions: Iterable[Permission]) -> None:
        """Record a read, and the permissions to see it."""
        self.reads.append(read)
        self.permissions += permissions

    def position_and_age(self) -> tuple[int, float | None]:
        """The position that all reads include, and the age of the oldest, if any is stale."""
        ages = [one.age_s for one in self.reads if one.age_s is not None]
        return min(one.position for one in self.reads), max(ages, default=None)

    def uncacheable(self) -> None:
        """Mark it as dependent on something without invalidation, such as the time."""
        self.is_cacheable = False


def dependencies_of(request: Request[Any, Any, Any]) -> Dependencies:
    """Those of a request, created on first use."""
    scope: Any = request.scope
    dependencies: Dependencies = scope.setdefault(_SCOPE_KEY, Dependencies())
    return dependencies


def recorded_dependencies(scope: Any) -> Dependencies | None:
    """Those recorded while a request was answered, if any."""
    found: Dependencies | None = scope.get(_SCOPE_KEY)
    return found
