"""Secret leaks: no password, token or key that was sent or received is stored or logged in clear."""

import pytest

from infra.settings import Settings
from tests.api import identity_guarantees
from tests.api_user import ApiUser
from tests.fake_smtp_server import FakeSmtpServer

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def test_no_secret_is_stored_in_clear(
    inviter: ApiUser, smtp_server: FakeSmtpServer, settings: Settings, log_lines: list[str]
) -> None:
    await identity_guarantees.no_secret_is_stored_in_clear(inviter, smtp_server, settings, log_lines)
