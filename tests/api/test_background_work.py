"""Background work outlives errors that it does not expect: they are logged, and it goes on."""

import asyncio
from importlib import import_module
from pkgutil import resolve_name
from typing import Any

import pytest

from infra import background, time_budget
from infra.settings import Settings
from tests.api.in_process_app import app_client

pytestmark = pytest.mark.asyncio(loop_scope="package")

LOOPS = {
    "infra.messaging.subscription:Subscription._listen_once": 0,
    "infra.identity.revocations:RevokedIds.poll": 1,
    "infra.reading.progress_polling:ProgressPoller._poll_once": 0,
    "infra.health.readiness:pending_migrations": 0,
    "infra.identity.permissions:Permissions._load_administrator": 0,
    "infra.rate_limits.leases:Leases.settle": 0,
    "infra.database.checkouts:Checkouts.cut_overdue": 0,
    "infra.messaging.hints:HintSender._lagging_partitions": 0,
}
"""A step of each loop of an API process, and how many of its calls are spared: without them it would not start."""
FAILURES = 2


class PlantedError(Exception):
    """Of a kind that no loop expects."""


@pytest.mark.parametrize("step", LOOPS)
async def test_an_unexpected_error_is_logged_and_the_loop_goes_on(
    step: str, settings: Settings, monkeypatch: pytest.MonkeyPatch, log_lines: list[str]
) -> None:
    monkeypatch.setattr("infra.backoff.BACKOFF_S", (0.01, time_budget.BACKOFF_S[1]))
    monkeypatch.setattr("infra.database.pool.CUT_INTERVAL_S", 0.01)
    module, _, path = step.partition(":")
    owner = resolve_name(f"{module}:{path.rpartition('.')[0]}") if "." in path else import_module(module)
    original, calls = getattr(owner, path.rpartition(".")[2]), list[None]()

    def fail_at_first(*arguments: Any) -> Any:
        calls.append(None)
        if LOOPS[step] < len(calls) <= LOOPS[step] + FAILURES:
            raise PlantedError
        return original(*arguments)

    monkeypatch.setattr(owner, path.rpartition(".")[2], fail_at_first)
    async with asyncio.timeout(30), app_client(settings):
        while len(calls) <= LOOPS[step] + FAILURES:  # noqa: ASYNC110 - a loop sends no event
            await asyncio.sleep(0.01)
    assert sum(PlantedError.__name__ in line for line in log_lines) == FAILURES


async def test_an_error_of_a_task_that_nothing_awaits_is_logged(log_lines: list[str]) -> None:
    async def fail() -> None:
        raise PlantedError

    task = asyncio.create_task(fail(), name="writing a snapshot")
    task.add_done_callback(background.log_failure)
    await asyncio.wait({task})
    await asyncio.sleep(0)
    assert "writing a snapshot failed unexpectedly: PlantedError" in "".join(log_lines)
