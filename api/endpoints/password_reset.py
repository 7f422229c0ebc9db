"""Password resets over HTTP: a token by mail instead of the forgotten password."""

from typing import Annotated

from msgspec import Meta, Struct

from api.endpoints.email_verification import MailedToken
from api.endpoints.user import Password
from api.function_endpoint import post
from api.http.body import MAX_AUTH_BODY_BYTES
from api.http.client_address import client_network
from api.http.response import Response
from api.ledger import AuthedRequest, Ledger, user_request
from commands.handling.command_on import CommandOn
from commands.user import ChangePassword
from infra.ids import new_id


class ForgottenPassword(Struct, frozen=True, forbid_unknown_fields=True):
    email: Annotated[str, Meta(max_length=254)]


class PasswordReset(Struct, frozen=True, forbid_unknown_fields=True):
    token: Annotated[MailedToken, Meta(examples=["tlf_0000000000000000000000000000000000000000000"])]
    password: Password


@post("/auth/password/forgot", max_body_bytes=MAX_AUTH_BODY_BYTES, is_public=True, status_code=202)
async def forgot_password(data: ForgottenPassword, request: AuthedRequest, ledger: Ledger) -> Response[None]:
    """Ask for a token by mail to set a new password. The answer does not reveal whether a user has the address."""
    ledger.pool.circuit.check()
    await ledger.charge_mail(request, data.email)
    ledger.account_mail.request_password_reset(data.email)
    return Response(None)


@post("/auth/password/reset", max_body_bytes=MAX_AUTH_BODY_BYTES, is_public=True)
async def reset_password(data: PasswordReset, request: AuthedRequest, ledger: Ledger) -> None:
    """Set a new password with a mailed token; all sessions end."""
    user = await ledger.mail_tokens.find("password_reset", data.token)
    async with ledger.passwords.turn("log-in", client_network(request, ledger.proxies)):
        hashed, password_id = await ledger.passwords.hash(data.password), new_id()
    async with ledger.sessions.reset_password(user, data.token, hashed, password_id):
        await ledger.commit(user_request(user, CommandOn(user, ChangePassword(password_id=password_id))))
