"""Verification of e-mail addresses over HTTP: a mailed token proves that a user receives the mail of an address."""

from typing import Annotated

from msgspec import Meta, Struct

from api.endpoints.account import change_email
from api.function_endpoint import post
from api.http.body import MAX_AUTH_BODY_BYTES
from api.http.response import Response
from api.ledger import AuthedRequest, Ledger, user_request
from commands.command import require_found
from commands.handling.command_on import CommandOn
from commands.user import VerifyEmail
from domain.user import User
from infra.identity.mail_tokens import PREFIXES

MailedToken = Annotated[str, Meta(min_length=1, max_length=200, description="The token from the mail.")]


class Verification(Struct, frozen=True, forbid_unknown_fields=True):
    token: Annotated[MailedToken, Meta(examples=["tlv_0000000000000000000000000000000000000000000"])]


@post("/auth/verify", max_body_bytes=MAX_AUTH_BODY_BYTES, is_public=True)
async def verify_email(data: Verification, ledger: Ledger) -> None:
    """Verify the e-mail address of the user whom the token was mailed to, or confirm their new one."""
    if data.token.startswith(PREFIXES["email_change"]):
        user = await ledger.mail_tokens.find("email_change", data.token)
        if email := await ledger.mail_tokens.new_email(user):
            await change_email(ledger, user, email, is_verified=True)
        return
    user = await ledger.mail_tokens.find("verification", data.token)
    # The event first: a token whose use is not recorded can be used again.
    await ledger.commit(user_request(user, CommandOn(user, VerifyEmail())))
    await ledger.mail_tokens.consume("verification", data.token)


@post("/auth/verification", max_body_bytes=MAX_AUTH_BODY_BYTES, status_code=202, guard=Ledger.require_account_manager)
async def mail_verification(request: AuthedRequest, ledger: Ledger) -> Response[None]:
    """Mail another verification token to your address, unless it is verified; the token before is void."""
    user = require_found(await ledger.log.load_state(User, request.user.user_id))
    await ledger.charge_mail(request, user.email)
    await ledger.account_mail.mail_verification(request.user.user_id)
    return Response(None)
