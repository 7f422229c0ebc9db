"""Refusals to send mail."""

from domain.errors.refusal import Refusal


class MailIsNotSetUp(Refusal):
    """This installation cannot send mail. Its operator must set TASKLEDGER_MAIL_URL."""


class MailUnavailable(Refusal):
    """The mail server did not accept the message. Try again."""


class AddressRefused(Refusal):
    """Mail cannot be delivered to this e-mail address."""
