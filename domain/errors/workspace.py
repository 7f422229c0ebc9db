"""Refusals about workspaces, their members and invitations."""

from domain.errors.refusal import Refusal


class LastOwner(Refusal):
    """A workspace needs an owner. Appoint another one first."""


class InviteInstead(Refusal):
    """A member is named by id. To add a person by e-mail address, send POST /workspaces/{workspace}/invitations."""


class InvitationIsClosed(Refusal):
    """This invitation is no longer valid. Ask for a new one."""


class InvitedElsewhere(Refusal):
    """This invitation was sent to another e-mail address."""
