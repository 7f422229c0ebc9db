"""Task numbers: taken from a project's number stream in blocks, and given out one by one."""

from collections import OrderedDict
from collections.abc import Callable
from uuid import UUID

FIRST, MOST = 16, 64
"""The first block under load, and the longest: what a process has taken and not given out when it ends leaves a gap."""
MOST_PROJECTS = 10_000
"""Projects of which numbers are kept in hand."""


class Numbers:
    """Numbers that were taken and are not given out yet, by project."""

    def __init__(self) -> None:
        self._left: dict[UUID, range] = {}
        self._blocks: OrderedDict[UUID, int] = OrderedDict()

    def last_block(self, project: UUID) -> int:
        """How many were taken at once the last time; 0 where that is long ago or never was."""
        return self._blocks.get(project, 0)

    def note_block(self, project: UUID, size: int) -> None:
        """So many are being taken."""
        self._blocks[project] = size
        if len(self._blocks) > MOST_PROJECTS:
            self._blocks.popitem(last=False)

    def next(self, project: UUID) -> int | None:
        """The lowest one, which is given out with that; None where there is none."""
        left = self._left.pop(project, None)
        if left is None:
            return None
        if len(left) > 1:
            self._left[project] = left[1:]
        return left[0]

    def keep(self, project: UUID, numbers: range) -> None:
        """Numbers to give out later, instead of those that were left."""
        if numbers:
            self._left[project] = numbers
        if len(self._left) > MOST_PROJECTS:
            del self._left[next(iter(self._left))]  # a gap

    def copy(self) -> "Numbers":
        """The same, to be given out by somebody who only tries."""
        copied = Numbers()
        copied._left, copied._blocks = self._left.copy(), self._blocks.copy()
        return copied

    def move(self, project: UUID, to: "Numbers") -> None:
        """Let another give out what is left."""
        to.keep(project, self._left.pop(project, range(0)))


class Supply:
    """Where a group finds numbers: those in hand, then those that it is about to take itself.

    Whoever uses one of the latter rides on the command that takes them: it looks at the number stream.
    """

    def __init__(self, in_hand: Numbers, wanted: Callable[[UUID], int] = lambda _: 0) -> None:
        """`wanted` says how many numbers of a project are wanted just now; 0 where there is nothing else to do."""
        self.in_hand = in_hand
        self.coming = Numbers()
        self._wanted = wanted

    def copy(self) -> "Supply":
        """The same, for somebody who only tries."""
        copied = Supply(self.in_hand.copy(), self._wanted)
        copied.coming = self.coming.copy()
        return copied

    def block(self, project: UUID) -> int:
        """How many to take at once: one where nobody waits; else as many as are wanted, and more each time.

        Other processes take from the same stream, and each block that one takes makes the others look again.
        """
        wanted = self._wanted(project)
        size = min(MOST, max(wanted, FIRST, 2 * self.in_hand.last_block(project))) if wanted else 1
        self.in_hand.note_block(project, size)
        return size
