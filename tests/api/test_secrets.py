"""A canary: no password, token or key that anybody sent or got is found in clear anywhere."""

import pytest

from infra.settings import Settings
from tests.api import identity
from tests.visitor import ApiUser

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def test_no_secret_is_stored_in_clear(ann: ApiUser, settings: Settings, log_lines: list[str]) -> None:
    await identity.no_secret_is_stored_in_clear(ann, settings, log_lines)
