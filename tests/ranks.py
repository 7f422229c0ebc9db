"""Events without their ranks, for tests that are about something else: a rank depends on the command's id."""

from collections.abc import Iterable
from typing import TypeVar

from msgspec.structs import replace

from commands.command import OtherStreamEvent
from domain.event import Change, Event
from domain.rank import RanksRebalanced, RankTaken
from domain.task import TaskCreated, TaskMoved, TaskRanked

E = TypeVar("E", bound=Event | OtherStreamEvent)
S = TypeVar("S")


def without_rank(event: E) -> E:
    """The event, without a rank."""
    match event:
        case TaskCreated():
            return replace(event, rank="")
        case TaskMoved() | TaskRanked():
            return replace(event, rank=Change("", ""))
        case RankTaken():
            return replace(event, rank=Change("", ""))
        case RanksRebalanced():
            return replace(event, ordinal="", ranks={})
    return event


def without_ranks(facts: Iterable[tuple[S, E]]) -> list[tuple[S, E]]:
    """The facts, without ranks."""
    return [(stream, without_rank(event)) for stream, event in facts]
