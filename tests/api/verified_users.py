"""Users of an installation with a mail server, whose address is verified as they would do it."""

from collections.abc import Callable

import httpx

from tests.api_user import ApiUser
from tests.fake_smtp_server import FakeSmtpServer

RESET_PREFIX, VERIFICATION_PREFIX = "tlf_", "tlv_"


async def register_verified(
    client: httpx.AsyncClient, fold: Callable[[], None], name: str, box: FakeSmtpServer
) -> ApiUser:
    """A new user with a verified address; the mail server has forgotten the mail."""
    user = await ApiUser.register_with_project(client, fold, name)
    token = await box.wait_for_token(VERIFICATION_PREFIX, user.email)
    answer = await client.post("/auth/verify", json={"token": token})
    assert answer.status_code == 204, answer.text
    await box.forget(user.email)
    return user
