"""Task numbers: taken from a project's number stream in blocks, and given out one by one."""

from collections import OrderedDict
from collections.abc import Callable
from uuid import UUID

MIN_BLOCK_NUMBERS, MAX_BLOCK_NUMBERS = 16, 64
"""The first block under load, and the longest: what a process has taken and not given out when it ends leaves a gap."""
MAX_PROJECTS = 10_000
"""Projects of which numbers are kept in hand."""


class NumberPool:
    """Numbers that were taken and are not given out yet, by project."""

    def __init__(self) -> None:
        self._unused: dict[UUID, range] = {}
        self._block_sizes: OrderedDict[UUID, int] = OrderedDict()

    def last_block_size(self, project_id: UUID) -> int:
        """How many were taken at once the last time; 0 where that is long ago or never was."""
        return self._block_sizes.get(project_id, 0)

    def record_block_size(self, project_id: UUID, size: int) -> None:
        """So many are being taken."""
        self._block_sizes[project_id] = size
        if len(self._block_sizes) > MAX_PROJECTS:
            self._block_sizes.popitem(last=False)

    def allocate(self, project_id: UUID) -> int | None:
        """The lowest one, which is given out with that; None where there is none."""
        left = self._unused.pop(project_id, None)
        if left is None:
            return None
        if len(left) > 1:
            self._unused[project_id] = left[1:]
        return left[0]

    def set(self, project_id: UUID, numbers: range) -> None:
        """Numbers to give out later, instead of those that were left."""
        if numbers:
            self._unused[project_id] = numbers
        if len(self._unused) > MAX_PROJECTS:
            del self._unused[next(iter(self._unused))]  # a gap

    def copy(self) -> "NumberPool":
        """The same, to be given out by somebody who only tries."""
        copied = NumberPool()
        copied._unused, copied._block_sizes = self._unused.copy(), self._block_sizes.copy()
        return copied

    def move_to(self, project_id: UUID, target: "NumberPool") -> None:
        """Let another give out what is left."""
        target.set(project_id, self._unused.pop(project_id, range(0)))


class NumberBlocks:
    """Where a group finds numbers: those in hand, then those that it is about to take itself.

    Whoever uses one of the latter rides on the command that takes them: it looks at the number stream.
    """

    def __init__(self, available: NumberPool, demand: Callable[[UUID], int] = lambda _: 0) -> None:
        """`wanted` says how many numbers of a project are wanted just now; 0 where there is nothing else to do."""
        self.available = available
        self.pending = NumberPool()
        self._demand = demand

    def copy(self) -> "NumberBlocks":
        """The same, for somebody who only tries."""
        copied = NumberBlocks(self.available.copy(), self._demand)
        copied.pending = self.pending.copy()
        return copied

    def next_block_size(self, project_id: UUID) -> int:
        """How many to take at once: one where nobody waits; else as many as are wanted, and more each time.

        Other processes take from the same stream, and each block that one takes makes the others look again.
        """
        wanted = self._demand(project_id)
        size = (
            min(MAX_BLOCK_NUMBERS, max(wanted, MIN_BLOCK_NUMBERS, 2 * self.available.last_block_size(project_id)))
            if wanted
            else 1
        )
        self.available.record_block_size(project_id, size)
        return size
