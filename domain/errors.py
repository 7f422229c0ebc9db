"""The ways in which the answer is no: each a sentence, its docstring the title that the client sees."""

import re
from typing import Any
from uuid import UUID


class Refusal(Exception):
    """The rules do not allow this."""

    command_index: int = 0
    """Which command of a call was refused, from 0."""
    pointer: str | None = None
    """The place in the request body that was refused, as a JSON Pointer, if it is one item of several."""

    def __init__(self, detail: str = "", **params: Any) -> None:
        super().__init__(detail or self.title())
        self.params = params

    @classmethod
    def code(cls) -> str:
        """The stable name for programs: `TaskIsTrashed` is `task_is_trashed`."""
        return re.sub(r"(?<!^)(?=[A-Z])", "_", cls.__name__).lower()

    @classmethod
    def title(cls) -> str:
        """The sentence for people, the same for every occurrence."""
        return (cls.__doc__ or cls.__name__).splitlines()[0]


class NotFound(Refusal):
    """There is nothing here that you may see."""


class Forbidden(Refusal):
    """Your role does not go so far."""


class ScopeTooNarrow(Refusal):
    """The token that you use was not given so much."""


class CrossesWorkspaces(Refusal):
    """Commands that are carried out together belong to one workspace."""


class Contradicts(Refusal):
    """The version that this expects is not the one that the commands before it leave."""


class IdTaken(Refusal):
    """This id is already in use."""


class TaskIsTrashed(Refusal):
    """The task is in the trash, where nothing changes any more."""


class LastOwner(Refusal):
    """A workspace has an owner: appoint another one first."""


class InvitationIsClosed(Refusal):
    """This invitation is good for nothing any more; ask for another."""


class InvitedElsewhere(Refusal):
    """This invitation is for another e-mail address than yours."""


class MailIsNotSetUp(Refusal):
    """This installation cannot send mail: whoever operates it sets TASKLEDGER_MAIL_URL."""


class MailUnavailable(Refusal):
    """The mail server did not take the message; try again."""


class AddressRefused(Refusal):
    """No mail gets to this e-mail address."""


class ProjectIsArchived(Refusal):
    """The project is archived: restore it before you change anything in it."""


class ProjectIsTrashed(Refusal):
    """The project is in the trash, where nothing changes any more."""


class NotTrashed(Refusal):
    """This is not in the trash."""


class Purged(Refusal):
    """This was in the trash for so long that it is gone."""


class ColumnIsFull(Refusal):
    """The column has as many tasks as it may: finish or move one first."""


class ColumnNotCounted(Refusal):
    """The tasks of this column are not counted yet: set its limit in one call, and fill it in the next."""


class ColumnRepeated(Refusal):
    """Two columns have the same name, or the same id."""


class StreamIsFull(Refusal):
    """This has changed so often that it can only be put away now; make a new one."""


class AssigneeIsNoMember(Refusal):
    """A task is assigned to members of its workspace only."""


class TooManyAssignees(Refusal):
    """The task is assigned to as many people as a task can be."""


class TooManyLabels(Refusal):
    """The task has as many labels as a task can have."""


class TooManyFilters(Refusal):
    """You keep as many filters as there may be; delete one that you do not use."""


class FilterIsBuiltin(Refusal):
    """This filter is everybody's, and nobody changes it; save one of your own."""


class UnknownColumn(Refusal):
    """The project has no such column."""


class ProjectKeyTaken(Refusal):
    """Another project of this workspace has this key."""


class EmailTaken(Refusal):
    """Somebody is registered with this e-mail address."""


class WrongCredentials(Refusal):
    """The e-mail address or the password is wrong."""


class WrongPassword(Refusal):
    """The current password is wrong."""


class InvalidRefreshToken(Refusal):
    """This refresh token is not good any more: log in again."""


class NoSession(Refusal):
    """A personal token belongs to no session: revoke it instead."""


class TooManyTokens(Refusal):
    """You have as many personal tokens as there may be; revoke one that you do not use."""


class AlreadyExpired(Refusal):
    """This would have expired before it began."""


class TooManyGuesses(Refusal):
    """Too many wrong passwords; wait a little."""


class TooManyInvitations(Refusal):
    """You have sent many invitations; wait a little."""


class VersionRequired(Refusal):
    """This change overwrites: name the version that you saw."""


class VersionConflict(Refusal):
    """Somebody changed this after you read it."""

    workspace_id: UUID | None = None
    """Where that happened: whoever may not see into it is not told."""
    stale_command: Any = None
    """The facts of the decision: a `StaleCommand`, of a layer that this one does not know."""


class RegistrationClosed(Refusal):
    """Registration is closed here; ask for an invitation."""


class BadCursor(Refusal):
    """This is no cursor of ours: take `next_cursor` as it was given."""


class CursorMismatch(Refusal):
    """This cursor belongs to another list."""


class FilterSyntax(Refusal):
    """The filter cannot be read."""


class UnknownField(Refusal):
    """The filter compares a field that tasks do not have."""


class FilterValue(Refusal):
    """The filter compares a field with what it cannot be compared with in this way."""


class FilterTooLong(Refusal):
    """The filter is too long."""


class SortNeedsText(Refusal):
    """Only what is searched for by words is more or less relevant."""


class AmbiguousKey(Refusal):
    """Tasks in two of your workspaces have this key; use the id."""


class KeyReused(Refusal):
    """This Idempotency-Key was used for another request."""


class TwinInFlight(Refusal):
    """A request with this Idempotency-Key is being carried out just now."""


class TooBusy(Refusal):
    """Too many changes at once in one place; try again."""


class UnknownEvent(Exception):
    """The log holds an event that this version of Taskledger does not know."""

    def __init__(self, stored_name: str, stream: UUID | None = None) -> None:
        super().__init__(f"unknown event {stored_name!r}" + (f" in stream {stream}" if stream else ""))
        self.stored_name = stored_name
