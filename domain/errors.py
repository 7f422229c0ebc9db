"""Refusals: the reasons to refuse a command or a query. The docstring is the title that the client sees."""

import re
from typing import Any
from uuid import UUID


class Refusal(Exception):
    """The rules do not allow this."""

    command_index: int = 0
    """The index of the refused command in its request, from 0."""
    pointer: str | None = None
    """The JSON Pointer of the refused item in the request body, if the request has several."""

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
    """Not found, or not visible to you."""


class Forbidden(Refusal):
    """Your role does not allow this."""


class ScopeTooNarrow(Refusal):
    """This token's scope does not allow this."""


class CrossesWorkspaces(Refusal):
    """All commands of an atomic batch must belong to one workspace."""


class Contradicts(Refusal):
    """The expected version contradicts an earlier command in this batch."""


class IdTaken(Refusal):
    """This id is already in use."""


class TaskIsTrashed(Refusal):
    """The task is in the trash and cannot be changed."""


class LastOwner(Refusal):
    """A workspace needs an owner. Appoint another one first."""


class InvitationIsClosed(Refusal):
    """This invitation is no longer valid. Ask for a new one."""


class InvitedElsewhere(Refusal):
    """This invitation was sent to another e-mail address."""


class MailIsNotSetUp(Refusal):
    """This installation cannot send mail. Its operator must set TASKLEDGER_MAIL_URL."""


class MailUnavailable(Refusal):
    """The mail server did not accept the message. Try again."""


class AddressRefused(Refusal):
    """Mail cannot be delivered to this e-mail address."""


class ProjectIsArchived(Refusal):
    """The project is archived. Restore it before you change anything in it."""


class ProjectIsTrashed(Refusal):
    """The project is in the trash and cannot be changed."""


class NotTrashed(Refusal):
    """This is not in the trash."""


class Purged(Refusal):
    """This was permanently deleted from the trash."""


class ColumnIsFull(Refusal):
    """The column has reached its limit. Finish or move a task first."""


class ColumnNotCounted(Refusal):
    """The tasks of this column are not counted yet. Set its limit in one call and fill it in the next."""


class ColumnRepeated(Refusal):
    """Two columns have the same name or the same id."""


class StreamIsFull(Refusal):
    """This has reached its maximum number of changes. Remove it and create a new one."""


class AssigneeIsNoMember(Refusal):
    """Tasks can only be assigned to members of their workspace."""


class TooManyAssignees(Refusal):
    """The task has the maximum number of assignees."""


class TooManyLabels(Refusal):
    """The task has the maximum number of labels."""


class TooManyFilters(Refusal):
    """You have the maximum number of saved filters. Delete one that you do not use."""


class FilterIsBuiltin(Refusal):
    """Built-in filters cannot be changed. Save one of your own."""


class UnknownColumn(Refusal):
    """The project has no such column."""


class ProjectKeyTaken(Refusal):
    """Another project of this workspace has this key."""


class EmailTaken(Refusal):
    """This e-mail address is already registered."""


class WrongCredentials(Refusal):
    """The e-mail address or the password is wrong."""


class WrongPassword(Refusal):
    """The current password is wrong."""


class InvalidRefreshToken(Refusal):
    """This refresh token is no longer valid. Log in again."""


class InvalidMailToken(Refusal):
    """This token is no longer valid. Ask for a new mail."""


class EmailNotVerified(Refusal):
    """Verify your e-mail address first."""


class NoSession(Refusal):
    """A personal token has no session. Revoke the token instead."""


class TooManyTokens(Refusal):
    """You have the maximum number of personal tokens. Revoke one that you do not use."""


class AlreadyExpired(Refusal):
    """The expiry time is in the past."""


class TooManyGuesses(Refusal):
    """Too many wrong passwords. Try again later."""


class TooManyRequests(Refusal):
    """You send too many requests. Slow down."""


class TooManyRegistrations(Refusal):
    """There were too many registrations from your network. Try again later."""


class TooManyInvitations(Refusal):
    """You have sent too many invitations. Try again later."""


class TooManyMails(Refusal):
    """Too many mails were asked for. Use the last one, or try again later."""


class VersionRequired(Refusal):
    """This change overwrites data. Send the version you last read."""


class VersionConflict(Refusal):
    """This was changed after you read it."""

    workspace_id: UUID | None = None
    """The workspace of the change; a caller without access to it gets NotFound instead."""
    stale_command: Any = None
    """The facts of the decision: a `StaleCommand`, of a layer that this one does not know."""


class RegistrationClosed(Refusal):
    """Registration is closed. Ask for an invitation."""


class BadCursor(Refusal):
    """This cursor is invalid. Send next_cursor as you received it."""


class CursorMismatch(Refusal):
    """This cursor belongs to another list."""


class FilterSyntax(Refusal):
    """The filter has a syntax error."""


class UnknownField(Refusal):
    """The filter uses a field that tasks do not have."""


class FilterValue(Refusal):
    """The filter uses a value or an operator that the field does not allow."""


class FilterTooLong(Refusal):
    """The filter is too long."""


class SortNeedsText(Refusal):
    """Sorting by relevance needs search text in the filter."""


class AmbiguousKey(Refusal):
    """Tasks in two of your workspaces have this key. Use the id."""


class KeyReused(Refusal):
    """This Idempotency-Key was used for another request."""


class TwinInFlight(Refusal):
    """A request with this Idempotency-Key is still in progress."""


class TooBusy(Refusal):
    """There are too many requests at once. Try again."""


class Overloaded(Refusal):
    """The server has more requests than it can handle. Try again in a moment."""


class UnknownEvent(Exception):
    """The log holds an event that this version of Taskledger cannot decode."""

    def __init__(self, stored_name: str, stream: UUID | None = None) -> None:
        super().__init__(f"unknown event {stored_name!r}" + (f" in stream {stream}" if stream else ""))
        self.stored_name = stored_name
