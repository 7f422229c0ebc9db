"""Reverts: which changes were taken back, each on a guard stream of its own."""

from typing import Literal, Self
from uuid import UUID, uuid5

from domain.event import Change, Event, State

RevertPurpose = Literal["revert", "undo", "redo"]
"""A change that is named, the caller's last one, or what they undid last."""


class ChangeReverted(Event, frozen=True):
    """On the guard stream of a change: it is taken back by the events that are written with this one."""

    change_id: UUID
    purpose: RevertPurpose
    reverted: Change[bool] = Change(old=False, new=True)


class ChangeReapplied(Event, frozen=True):
    """On the guard stream of a change: what took it back is taken back."""

    change_id: UUID
    reverted: Change[bool] = Change(old=True, new=False)


class Revert(State, frozen=True):
    """Whether a change is taken back. A command is a change, and so are all the commands of a bulk change."""

    change_id: UUID
    reverted: bool

    @classmethod
    def evolve(cls, state: Self | None, event: Event) -> Self | None:
        if state is None and isinstance(event, ChangeReverted):
            return cls(event.change_id, event.reverted.new)
        return super().evolve(state, event)


def revert_stream_id(change_id: UUID) -> UUID:
    """The guard stream that says whether a change is taken back."""
    return uuid5(change_id, "revert")
