"""Mails that carry a token, and the line that is printed instead in development, where there is no mail server."""

import contextlib
import sys
from datetime import timedelta

from msgspec import Struct

_INVITATION_TEMPLATE = """{who} invites you to the workspace "{where}" on Taskledger, as {role}.

Your token, valid once and for {days} days:

    {token}

If you have an account with this address, log in and send it to POST /api/v1/invitations/accept. If you have none,
register with it: POST /api/v1/auth/register takes it as "invitation".
"""

_RESET_TEMPLATE = """A new password was asked for, for your account on Taskledger.

Your token, valid once and for {minutes} minutes:

    {token}

Send it with the new password to POST /api/v1/auth/password/reset. That ends all your sessions; personal tokens stay
valid. If you did not ask for this, ignore this mail: your password is unchanged.
"""
_VERIFICATION_TEMPLATE = """This address was registered on Taskledger.

Your token, valid once and for {days} days:

    {token}

Send it to POST /api/v1/auth/verify, and the address is verified. If you did not register, ignore this mail.
"""


_EMAIL_CHANGE_TEMPLATE = """A user of Taskledger wants to change to this address.

Your token, valid once and for {hours} hours:

    {token}

Send it to POST /api/v1/auth/verify, and the address is changed. If this was not you, ignore this mail.
"""


class TokenMail(Struct, frozen=True):
    """A mail with a token; `printed_name` says what the token is, and names neither a person nor an address."""

    subject: str
    text: str
    printed_name: str
    token: str


def invitation_mail(who: str, where: str, role: str, token: str, lifetime: timedelta) -> TokenMail:
    """The invitation of a person to a workspace."""
    text = _INVITATION_TEMPLATE.format(who=who, where=where, role=role, days=lifetime.days, token=token)
    return TokenMail(f"{who} invites you to {where}", text, "invitation token", token)


def password_reset_mail(token: str, lifetime: timedelta) -> TokenMail:
    """The token for a new password. No user's own words are mailed to an address that may be another's."""
    minutes = int(lifetime.total_seconds() // 60)
    text = _RESET_TEMPLATE.format(token=token, minutes=minutes)
    return TokenMail("A new password for Taskledger", text, "password reset token", token)


def verification_mail(token: str, lifetime: timedelta) -> TokenMail:
    """The token that verifies an address, in words of ours alone, too."""
    text = _VERIFICATION_TEMPLATE.format(token=token, days=lifetime.days)
    return TokenMail("Verify your address for Taskledger", text, "verification token", token)


def email_change_mail(token: str, lifetime: timedelta) -> TokenMail:
    """The token that confirms a new address, in words of ours alone, too."""
    text = _EMAIL_CHANGE_TEMPLATE.format(token=token, hours=int(lifetime.total_seconds() // 3600))
    return TokenMail("Confirm your new address for Taskledger", text, "confirmation token", token)


def print_token(mail: TokenMail) -> None:
    """Print the token on standard output, not into the log: it is for the operator, who may be the only user yet."""
    with contextlib.suppress(OSError, ValueError):  # standard output was closed
        sys.stdout.write(f"No mail server is set (TASKLEDGER_MAIL_URL). Unsent {mail.printed_name}: {mail.token}\n")
        sys.stdout.flush()
