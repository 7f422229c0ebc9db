"""Task numbers: taken from a project's number stream in blocks, and given out one by one."""

from uuid import UUID

MOST = 64
"""The longest block: what a process has taken and not given out when it ends leaves a gap."""


class Numbers:
    """Numbers that were taken and are not given out yet, by project."""

    def __init__(self) -> None:
        self._left: dict[UUID, range] = {}

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

    def move(self, project: UUID, to: "Numbers") -> None:
        """Let another give out what is left."""
        to.keep(project, self._left.pop(project, range(0)))


class Supply:
    """Where a group finds numbers: those in hand, then those that it is about to take itself.

    Whoever uses one of the latter rides on the command that takes them: it looks at the number stream.
    """

    def __init__(self, in_hand: Numbers, wanted: int = 1) -> None:
        """`wanted` is how many commands may want one just now."""
        self.in_hand = in_hand
        self.coming = Numbers()
        self.wanted = wanted

    @property
    def block(self) -> int:
        """How many to take at once."""
        return max(1, min(self.wanted, MOST))
