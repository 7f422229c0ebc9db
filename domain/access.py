"""Access: who signed in and out, who was refused, who took data away, and who rebuilt a read model."""

from datetime import datetime
from functools import lru_cache
from typing import ClassVar, Final, Literal, Self
from uuid import UUID, uuid5

from domain.event import Event, State
from domain.instance import INSTANCE_STREAM_ID

SignOutReason = Literal["signed_out", "ended", "token_reused", "password_changed", "password_reset", "account_deleted"]
"""Why a session is over: by itself, by another session of the user, or with what else happened."""
ExportFormat = Literal["jsonl", "csv"]


class SignedIn(Event, frozen=True):
    """On the user's access stream: a session begins, by a client on this network (IPv6 by its /64)."""

    user_id: UUID
    session_id: UUID
    user_agent: str
    network: str


class SignedOut(Event, frozen=True):
    """On the user's access stream: a session is over before it would expire."""

    user_id: UUID
    session_id: UUID
    reason: SignOutReason


class SignInRefused(Event, frozen=True):
    """On the user's access stream: the attempts of one minute, with a wrong password or beyond the limit, in one sum.

    Those with addresses that no user has are one sum on the stream of the installation, without a user.
    """

    minute: datetime
    count: int
    user_id: UUID | None = None


class WorkspaceExported(Event, frozen=True):
    """On the workspace's access stream: a member began to download its whole history."""

    workspace_id: UUID
    format: ExportFormat


class RebuildRequested(Event, frozen=True):
    """On the installation's access stream: a read model is to be rebuilt from the log."""

    projection: str
    expect_changes: bool


class ProjectionRolledBack(Event, frozen=True):
    """On the installation's access stream: a read model is served as it was built before."""

    projection: str


ACCESS_EVENTS: Final[frozenset[type[Event]]] = frozenset(
    (SignedIn, SignedOut, SignInRefused, WorkspaceExported, RebuildRequested, ProjectionRolledBack)
)
"""Events that only the audit lists. They change no document: no history has them, and none can be taken back."""


class AccessRecord(State, frozen=True):
    """An access stream, of which nothing but the version matters."""

    is_last_event_enough: ClassVar = True

    @classmethod
    def evolve(cls, state: Self | None, event: Event) -> Self | None:
        return cls() if type(event) in ACCESS_EVENTS else state


@lru_cache(maxsize=10_000)
def access_stream_id(subject_id: UUID = INSTANCE_STREAM_ID) -> UUID:
    """The access stream of a user, a workspace or the installation; no rule reads one."""
    return uuid5(subject_id, "access")
