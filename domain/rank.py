"""Ranks: the places of the tasks of a project in their own order, as texts that are compared by code point.

A rank is an ordinal of a fixed number of characters, and possibly a fraction. To put a task first or last nothing has
to be read: its ordinal is then made of the command's id, whose first bits are the time, or is that reversed. A task
that is put before or after another one gets a fraction, in the gap behind an ordinal; the project's rank stream has all
tasks in the gaps.
"""

from base64 import b64decode, b64encode
from bisect import bisect_left, bisect_right, insort
from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import Literal, Self
from uuid import UUID, uuid5

from msgspec.structs import replace

from domain import sharded_map
from domain.event import Change, Event, State
from domain.fraction import DIGITS, fraction_between, spread_fractions

_ORDINAL_BYTES, ORDINAL_CHARACTERS = 18, 24
MAX_ORDINALS_PER_COMMAND = 4_096
_ZERO_ORDINAL = 1 << (8 * _ORDINAL_BYTES - 1)
_BASE64_DIGITS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_TO_ORDERED = bytes.maketrans(_BASE64_DIGITS, DIGITS.encode())
_FROM_ORDERED = bytes.maketrans(DIGITS.encode(), _BASE64_DIGITS)
"""Base64 with digits in the order of their code points, so that texts of one length compare as their numbers do."""
MAX_FRACTION_CHARACTERS = 120
"""A gap with a longer fraction is rebalanced."""
MAX_RANK_CHARACTERS = ORDINAL_CHARACTERS + MAX_FRACTION_CHARACTERS + 1


def ordinal_rank(ordinal: int) -> str:
    """The rank of an ordinal, which may be negative."""
    return b64encode((_ZERO_ORDINAL + ordinal).to_bytes(_ORDINAL_BYTES, "big")).translate(_TO_ORDERED).decode()


def last_rank(command_id: UUID, number: int) -> str:
    """The rank of the task of that number that a command puts last: behind all that earlier commands did."""
    return ordinal_rank(_ordinal(command_id, number))


def first_rank(command_id: UUID, number: int) -> str:
    """The rank of the task of that number that a command puts first."""
    return ordinal_rank(-_ordinal(command_id, number))


def _ordinal(command_id: UUID, number: int) -> int:
    return command_id.int * MAX_ORDINALS_PER_COMMAND + number


def ordinal_before(ordinal: str) -> str:
    """The ordinal before one, as text."""
    number = int.from_bytes(b64decode(ordinal.encode().translate(_FROM_ORDERED)), "big")
    return ordinal_rank(number - 1 - _ZERO_ORDINAL)


def split_rank(rank: str) -> tuple[str, str]:
    """The ordinal of a rank, and its fraction, '' if it has none."""
    return rank[:ORDINAL_CHARACTERS], rank[ORDINAL_CHARACTERS:]


RankPlace = Literal["before", "after", "top", "bottom", "former"]
"""Where a task was put: before or after another one, first or last in its project, or where it was before."""


class RankTaken(Event, frozen=True):
    """On the project's rank stream: a task takes a rank with a fraction, or leaves one."""

    task_id: UUID
    rank: Change[str | None]


class RanksRebalanced(Event, frozen=True):
    """On the project's rank stream: the tasks of a gap get shorter fractions, in the same order."""

    ordinal: str
    ranks: dict[UUID, str]

    def touches(self) -> Collection[UUID]:
        return self.ranks


GapTasks = tuple[tuple[str, UUID], ...]
"""The fractions in a gap, sorted, each with its task."""


class Ranks(State, frozen=True):
    """The tasks in the gaps of a project's order, by ordinal."""

    gaps: Mapping[str, Mapping[str, GapTasks]] = {}

    @classmethod
    def evolve(cls, state: Self | None, event: Event) -> Self | None:
        match event:
            case RankTaken(task_id, rank):
                before = state or cls()
                left = before.without_task(rank.old, task_id) if rank.old else before
                return left.with_task(rank.new, task_id) if rank.new else left
            case RanksRebalanced(ordinal, ranks):
                tasks = tuple(sorted((split_rank(rank)[1], task) for task, rank in ranks.items()))
                return replace(state or cls(), gaps=sharded_map.with_value((state or cls()).gaps, ordinal, tasks))
        return state

    def current_rank(self, task_id: UUID, rank: str) -> str:
        """The rank of a task that took this one: another fraction since the gap was rebalanced."""
        ordinal, fraction = split_rank(rank)
        if not fraction:
            return rank
        return next((ordinal + each for each, task in self._gap(ordinal) if task == task_id), rank)

    def free_rank_at(self, rank: str) -> str:
        """The rank itself, or the one directly after it if a task has it."""
        ordinal, fraction = split_rank(rank)
        is_taken = fraction and any(each == fraction for each, _ in self._gap(ordinal))
        return self.rank_after(rank) if is_taken else rank

    def rank_before(self, rank: str) -> str:
        """A free rank directly before this one."""
        ordinal, fraction = split_rank(rank)
        if not fraction:
            ordinal = ordinal_before(ordinal)
            gap = self._gap(ordinal)
            return ordinal + fraction_between(gap[-1][0] if gap else "", None)
        gap = self._gap(ordinal)
        place = bisect_left(gap, fraction, key=_fraction)
        return ordinal + fraction_between(gap[place - 1][0] if place else "", fraction)

    def rank_after(self, rank: str) -> str:
        """A free rank directly after this one."""
        ordinal, fraction = split_rank(rank)
        gap = self._gap(ordinal)
        place = bisect_right(gap, fraction, key=_fraction)
        return ordinal + fraction_between(fraction, gap[place][0] if place < len(gap) else None)

    def rebalanced(self, ordinal: str) -> RanksRebalanced:
        """The event that gives the tasks of a gap evenly spread fractions."""
        tasks = [task for _, task in self._gap(ordinal)]
        fractions = spread_fractions(len(tasks))
        return RanksRebalanced(ordinal, {task: ordinal + each for task, each in zip(tasks, fractions, strict=True)})

    def _gap(self, ordinal: str) -> GapTasks:
        return sharded_map.get(self.gaps, ordinal) or ()

    def with_task(self, rank: str, task_id: UUID) -> Self:
        """With one more task in a gap."""
        ordinal, fraction = split_rank(rank)
        tasks = list(self._gap(ordinal))
        insort(tasks, (fraction, task_id))
        return replace(self, gaps=sharded_map.with_value(self.gaps, ordinal, tuple(tasks)))

    def without_task(self, rank: str, task_id: UUID) -> Self:
        """Without a task in the gap of its rank."""
        ordinal, _ = split_rank(rank)
        others = tuple(one for one in self._gap(ordinal) if one[1] != task_id)
        return replace(self, gaps=sharded_map.with_value(self.gaps, ordinal, others or None))


def _fraction(entry: tuple[str, UUID]) -> str:
    return entry[0]


@lru_cache(maxsize=10_000)
def ranks_stream_id(project_id: UUID) -> UUID:
    """The guard stream of the ranks of a project."""
    return uuid5(project_id, "ranks")
