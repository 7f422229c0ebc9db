"""Refusals of any command, whatever it is about: its id, its version, its batch, its Idempotency-Key."""

from typing import Any
from uuid import UUID

from domain.errors.refusal import Refusal


class IdTaken(Refusal):
    """This id is already in use."""


class StreamIsFull(Refusal):
    """This has reached its maximum number of changes. Remove it and create a new one."""


class VersionRequired(Refusal):
    """This change overwrites data. Send the version you last read."""


class VersionConflict(Refusal):
    """This was changed after you read it."""

    workspace_id: UUID | None = None
    """The workspace of the change; a caller without access to it gets NotFound instead."""
    stale_command: Any = None
    """The facts of the decision: a `StaleCommand`, of a layer that this one does not know."""


class NothingMatches(Refusal):
    """This does not exist yet, and If-Match demands that it does."""


class Contradicts(Refusal):
    """The expected version contradicts an earlier command in this batch."""


class CrossesWorkspaces(Refusal):
    """All commands of an atomic batch must belong to one workspace."""


class KeyReused(Refusal):
    """This Idempotency-Key was used for another request."""


class TwinInFlight(Refusal):
    """A request with this Idempotency-Key is still in progress."""


class NotForManyTasks(Refusal):
    """This command cannot be carried out on many tasks at once."""


class TooManyTasksToChange(Refusal):
    """The filter matches more tasks than can be changed at once."""
