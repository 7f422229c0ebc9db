"""Task numbers: taken from a project's number stream in blocks, and allocated one by one."""

from collections import OrderedDict
from collections.abc import Callable
from uuid import UUID

MIN_BLOCK_NUMBERS, MAX_BLOCK_NUMBERS = 16, 64
"""The first block under load, and the longest. Numbers that a process took and did not use leave a gap."""
MAX_PROJECTS = 10_000
"""Projects with unused numbers in the pool."""


class NumberPool:
    """Numbers that were taken and are not used yet, by project."""

    def __init__(self) -> None:
        self._unused: dict[UUID, range] = {}
        self._block_sizes: OrderedDict[UUID, int] = OrderedDict()

    def last_block_size(self, project_id: UUID) -> int:
        """The size of the last block; 0 if there was none, or long ago."""
        return self._block_sizes.get(project_id, 0)

    def record_block_size(self, project_id: UUID, size: int) -> None:
        """Remember the size of a block."""
        self._block_sizes[project_id] = size
        if len(self._block_sizes) > MAX_PROJECTS:
            self._block_sizes.popitem(last=False)

    def allocate(self, project_id: UUID) -> int | None:
        """Take the lowest number; None if there is none."""
        left = self._unused.pop(project_id, None)
        if left is None:
            return None
        if len(left) > 1:
            self._unused[project_id] = left[1:]
        return left[0]

    def set(self, project_id: UUID, numbers: range) -> None:
        """Replace the unused numbers of a project."""
        if numbers:
            self._unused[project_id] = numbers
        if len(self._unused) > MAX_PROJECTS:
            del self._unused[next(iter(self._unused))]  # a gap

    def copy(self) -> "NumberPool":
        """A copy for a dry run."""
        copied = NumberPool()
        copied._unused, copied._block_sizes = self._unused.copy(), self._block_sizes.copy()
        return copied

    def move_to(self, project_id: UUID, target: "NumberPool") -> None:
        """Move the unused numbers to another pool."""
        target.set(project_id, self._unused.pop(project_id, range(0)))


class NumberBlocks:
    """The numbers for a group: the available ones, then those of blocks that the group itself takes.

    A command that uses one of the latter reads the number stream, and so depends on the command that takes the block.
    """

    def __init__(self, available: NumberPool, demand: Callable[[UUID], int] = lambda _: 0) -> None:
        """`demand` is how many numbers of a project are needed right now; 0 if no request waits."""
        self.available = available
        self.pending = NumberPool()
        self._demand = demand

    def copy(self) -> "NumberBlocks":
        """A copy for a dry run."""
        copied = NumberBlocks(self.available.copy(), self._demand)
        copied.pending = self.pending.copy()
        return copied

    def next_block_size(self, project_id: UUID) -> int:
        """How many to take at once: one if no request waits; else as many as are needed, and more each time.

        Other processes take from the same stream, and each block makes them load it again.
        """
        wanted = self._demand(project_id)
        size = (
            min(MAX_BLOCK_NUMBERS, max(wanted, MIN_BLOCK_NUMBERS, 2 * self.available.last_block_size(project_id)))
            if wanted
            else 1
        )
        self.available.record_block_size(project_id, size)
        return size
