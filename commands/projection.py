"""What may be asked of a projection."""

from collections.abc import Iterator
from typing import Annotated, ClassVar

from msgspec import Meta

from commands.command import Command, Given
from domain.errors import Forbidden
from domain.event import Event
from domain.projection import EventSkipped, Skipping
from domain.user import INSTANCE, Instance


class SkipEvent(Command[Skipping], frozen=True, kw_only=True):
    """Leave an event out of one document of a projection, for good: only the administrator may."""

    about: ClassVar = Skipping
    members_only: ClassVar = False
    in_batches: ClassVar = False

    document: str
    position: int
    reason: Annotated[str, Meta(min_length=1, max_length=1000)]

    def workspace(self, state: Skipping | None, given: Given) -> None:
        """It belongs to no workspace."""

    def decide(self, state: Skipping | None, given: Given) -> Iterator[Event]:
        instance = given(Instance, INSTANCE)
        if instance is None or instance.administrator_id != given.actor.id:
            raise Forbidden
        if state is None or (self.document, self.position) not in state.skips:
            yield EventSkipped(self.document, self.position, self.reason)
