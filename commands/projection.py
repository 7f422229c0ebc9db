"""A command about a projection: skip an event that a document cannot be folded with."""

from collections.abc import Iterator
from typing import Annotated, ClassVar

from msgspec import Meta

from commands.command import Command, DecisionContext, OtherStreamEvent, require_found
from domain.errors import Forbidden
from domain.instance import Instance
from domain.projection import EventSkipped, Skipping, skips_stream_id


class SkipEvent(Command[Instance], frozen=True, kw_only=True):
    """Skip an event in one document of a projection, permanently; only the administrator may."""

    state_type: ClassVar = Instance
    is_batchable: ClassVar = False

    projection: str
    document: str
    position: int
    reason: Annotated[str, Meta(min_length=1, max_length=1000)]

    def resolve_workspace_id(self, state: Instance | None, context: DecisionContext) -> None:
        """The installation belongs to no workspace."""

    def decide(self, state: Instance | None, context: DecisionContext) -> Iterator[OtherStreamEvent]:
        if require_found(state).administrator_id != context.actor.user_id:
            raise Forbidden
        stream = skips_stream_id(self.projection)
        before = context(Skipping, stream)
        if before is None or (self.document, self.position) not in before.skips:
            yield OtherStreamEvent(stream, EventSkipped(self.document, self.position, self.reason))
