"""Refusals of one client that asks too often."""

from domain.errors.refusal import Refusal


class TooManyRequests(Refusal):
    """You send too many requests. Slow down."""


class TooManyGuesses(Refusal):
    """Too many wrong passwords. Try again later."""


class TooManyRegistrations(Refusal):
    """There were too many registrations from your network. Try again later."""


class TooManyInvitations(Refusal):
    """You have sent too many invitations. Try again later."""


class TooManyMails(Refusal):
    """Too many mails were asked for. Use the last one, or try again later."""
