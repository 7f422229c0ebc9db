"""The application starts and stops cleanly at any time."""

import asyncio

import pytest

from infra.settings import Settings
from tests.api.in_process_app import app_client

pytestmark = [pytest.mark.asyncio(loop_scope="package"), pytest.mark.slow]


async def test_the_application_can_stop_during_startup(settings: Settings) -> None:
    """The listener may be connecting, subscribing or listening when it is stopped."""
    for steps in range(40):
        async with asyncio.timeout(10), app_client(settings):
            for _ in range(steps):
                await asyncio.sleep(0)
