"""Refusals about accounts: registration, passwords, sessions and tokens."""

from domain.errors.refusal import Refusal


class RegistrationClosed(Refusal):
    """Registration is closed. Ask for an invitation."""


class EmailTaken(Refusal):
    """This e-mail address is already registered."""


class EmailNotVerified(Refusal):
    """Verify your e-mail address first."""


class WrongCredentials(Refusal):
    """The e-mail address or the password is wrong."""


class WrongPassword(Refusal):
    """The current password is wrong."""


class InvalidRefreshToken(Refusal):
    """This refresh token is no longer valid. Log in again."""


class InvalidMailToken(Refusal):
    """This token is no longer valid. Ask for a new mail."""


class HandOverFirst(Refusal):
    """Hand over first what only you can run."""


class NoSession(Refusal):
    """A personal token has no session. Revoke the token instead."""


class TooManyTokens(Refusal):
    """You have the maximum number of personal tokens. Revoke one that you do not use."""


class AlreadyExpired(Refusal):
    """The expiry time is in the past."""
