"""A proposal: commands that an agent would carry out, for a member to accept or to decline."""

from collections.abc import Collection
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from msgspec import Meta, Struct

from domain.event import Change, Event, State
from domain.planned_event import PlannedEvent

ProposalStatus = Literal["pending", "accepted", "declined"]


class ProposedCommand(Struct, frozen=True):
    """A command: its name, its target, and its body, with ids for the keys that it named."""

    type: Annotated[str, Meta(examples=["RenameTask"])]
    target: UUID
    data: dict[str, Any]


class SeenVersion(Struct, frozen=True):
    """A stream that a proposal is about, and its version when the proposal was made."""

    stream: UUID
    version: int


class ProposalMade(Event, frozen=True):
    """What was proposed, and what it would have written then.

    `digest` is that of the events that must come out again. With `rebase`, others may change other fields meanwhile.
    """

    workspace_id: UUID
    commands: tuple[ProposedCommand, ...]
    events: tuple[PlannedEvent, ...]
    seen: tuple[SeenVersion, ...]
    digest: str
    rebase: bool = False

    @property
    def subject_ids(self) -> Collection[UUID]:
        """The streams, tasks and projects whose content it repeats."""
        streams = {one.target for one in self.commands} | {one.stream for one in self.events}
        places = [one.data.get(name) for one in self.events for name in ("task_id", "project_id")]
        named = [id_ for place in places for id_ in (place if isinstance(place, list) else [place])]
        return streams | {UUID(id_) for id_ in named if id_}


class ProposalAccepted(Event, frozen=True):
    """Its commands were carried out together with this, as the agent that proposed them."""

    accepted_by: UUID
    status: Change[ProposalStatus] = Change("pending", "accepted")


class ProposalDeclined(Event, frozen=True):
    declined_by: UUID
    reason: str | None = None
    status: Change[ProposalStatus] = Change("pending", "declined")


class Proposal(State, frozen=True):
    """The state of a proposal that decisions need."""

    workspace_id: UUID
    seen: tuple[SeenVersion, ...]
    digest: str
    status: ProposalStatus = "pending"

    @classmethod
    def evolve(cls, state: Self | None, event: Event) -> Self | None:
        if isinstance(event, ProposalMade):
            return cls(event.workspace_id, event.seen, event.digest)
        return super().evolve(state, event)
