"""Commands that record access: sign-ins and -outs, refusals, exports, rebuilds. No client can send them."""

from collections.abc import Iterator
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from msgspec import Struct

from commands.command import Command, DecisionContext, OtherStreamEvent
from domain.access import (
    AccessRecord,
    ExportFormat,
    ProjectionRolledBack,
    RebuildRequested,
    SignedIn,
    SignedOut,
    SignInRefused,
    SignOutReason,
    WorkspaceExported,
    access_stream_id,
)
from domain.event import Event
from domain.instance import INSTANCE_STREAM_ID, Instance


class AccessCommand(Command[Instance], frozen=True, kw_only=True):
    """A command that records what has happened, on an access stream: of it nothing is read but its last version."""

    state_type: ClassVar = Instance
    may_create: ClassVar = True
    is_batchable: ClassVar = False

    def resolve_workspace_id(self, state: Instance | None, context: DecisionContext) -> UUID | None:
        """The installation belongs to no workspace."""


class RecordSignIn(AccessCommand, frozen=True, kw_only=True):
    """Record that a session began."""

    user_id: UUID
    session_id: UUID
    user_agent: str
    network: str

    def decide(self, state: Instance | None, context: DecisionContext) -> Iterator[OtherStreamEvent]:
        yield _recorded(context, self.user_id, SignedIn(self.user_id, self.session_id, self.user_agent, self.network))


class RecordSignOut(AccessCommand, frozen=True, kw_only=True):
    """Record that sessions of a user are over."""

    user_id: UUID
    session_ids: tuple[UUID, ...]
    reason: SignOutReason

    def decide(self, state: Instance | None, context: DecisionContext) -> Iterator[OtherStreamEvent]:
        for session_id in self.session_ids:
            yield _recorded(context, self.user_id, SignedOut(self.user_id, session_id, self.reason))


class RefusedSignIns(Struct, frozen=True):
    """How many sign-ins were refused in a minute: of a user, or of all addresses that no user has."""

    minute: datetime
    count: int
    user_id: UUID | None = None


class RecordRefusals(AccessCommand, frozen=True, kw_only=True):
    """Record the refused sign-ins of many accounts at once."""

    refused: tuple[RefusedSignIns, ...]

    def decide(self, state: Instance | None, context: DecisionContext) -> Iterator[OtherStreamEvent]:
        subjects = [one.user_id or INSTANCE_STREAM_ID for one in self.refused]
        context.load_all(AccessRecord, [access_stream_id(subject) for subject in subjects])
        for subject, one in zip(subjects, self.refused, strict=True):
            yield _recorded(context, subject, SignInRefused(one.minute, one.count, one.user_id))


class RecordExport(AccessCommand, frozen=True, kw_only=True):
    """Record that a history was exported."""

    workspace_id: UUID
    format: ExportFormat

    def resolve_workspace_id(self, state: Instance | None, context: DecisionContext) -> UUID:
        return self.workspace_id

    def decide(self, state: Instance | None, context: DecisionContext) -> Iterator[OtherStreamEvent]:
        yield _recorded(context, self.workspace_id, WorkspaceExported(self.workspace_id, self.format))


class RecordRebuild(AccessCommand, frozen=True, kw_only=True):
    """Record that a rebuild was asked for."""

    projection: str
    expect_changes: bool = False

    def decide(self, state: Instance | None, context: DecisionContext) -> Iterator[OtherStreamEvent]:
        yield _recorded(context, INSTANCE_STREAM_ID, RebuildRequested(self.projection, self.expect_changes))


class RecordRollback(AccessCommand, frozen=True, kw_only=True):
    """Record that a read model was rolled back."""

    projection: str

    def decide(self, state: Instance | None, context: DecisionContext) -> Iterator[OtherStreamEvent]:
        yield _recorded(context, INSTANCE_STREAM_ID, ProjectionRolledBack(self.projection))


def _recorded(context: DecisionContext, subject: UUID, event: Event) -> OtherStreamEvent:
    """The event on the access stream of its subject, whose version the append asserts."""
    stream = access_stream_id(subject)
    context(AccessRecord, stream)
    return OtherStreamEvent(stream, event)
