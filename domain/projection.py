"""A projection, as far as operators decide about it: which events are left out of which of its documents."""

from typing import Self
from uuid import UUID, uuid5

from domain.event import Event, State
from domain.instance import INSTANCE_STREAM_ID


class EventSkipped(Event, frozen=True):
    """On the projection's stream: from now on the event at a position is left out of one document."""

    document: str
    position: int
    reason: str


class Skipping(State, frozen=True):
    """What is left out of a projection: documents, and the positions of events."""

    skips: tuple[tuple[str, int], ...]

    @classmethod
    def evolve(cls, state: Self | None, event: Event) -> Self | None:
        if isinstance(event, EventSkipped):
            return cls((*(state.skips if state else ()), (event.document, event.position)))
        return state


def skips_stream_id(projection: str) -> UUID:
    """The stream of what is left out of a projection."""
    return uuid5(INSTANCE_STREAM_ID, f"projection {projection}")
