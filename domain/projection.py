"""Skipped events of a projection: which events an operator excluded from which documents."""

from typing import Self
from uuid import UUID, uuid5

from domain.event import Event, State
from domain.instance import INSTANCE_STREAM_ID


class EventSkipped(Event, frozen=True):
    """On the projection's stream: from now on one document skips the event at a position."""

    document: str
    position: int
    reason: str


class Skipping(State, frozen=True):
    """The skipped events of a projection: pairs of a document and a position."""

    skips: tuple[tuple[str, int], ...]

    @classmethod
    def evolve(cls, state: Self | None, event: Event) -> Self | None:
        if isinstance(event, EventSkipped):
            return cls((*(state.skips if state else ()), (event.document, event.position)))
        return state


def skips_stream_id(projection: str) -> UUID:
    """The stream of a projection's skipped events."""
    return uuid5(INSTANCE_STREAM_ID, f"projection {projection}")
