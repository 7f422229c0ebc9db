"""What may be asked of the installation about a projection."""

from collections.abc import Iterator
from typing import Annotated, ClassVar

from msgspec import Meta

from commands.command import Command, Elsewhere, Given, present
from domain.errors import Forbidden
from domain.projection import EventSkipped, Skipping, skips_of
from domain.user import Instance


class SkipEvent(Command[Instance], frozen=True, kw_only=True):
    """Leave an event out of one document of a projection, for good: only the administrator may."""

    about: ClassVar = Instance
    in_batches: ClassVar = False

    projection: str
    document: str
    position: int
    reason: Annotated[str, Meta(min_length=1, max_length=1000)]

    def workspace(self, state: Instance | None, given: Given) -> None:
        """It belongs to no workspace."""

    def decide(self, state: Instance | None, given: Given) -> Iterator[Elsewhere]:
        if present(state).administrator_id != given.actor.person:
            raise Forbidden
        stream = skips_of(self.projection)
        before = given(Skipping, stream)
        if before is None or (self.document, self.position) not in before.skips:
            yield Elsewhere(stream, EventSkipped(self.document, self.position, self.reason))
