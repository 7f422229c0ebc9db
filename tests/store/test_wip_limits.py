"""A WIP limit holds, and a count is exact, whatever two processes do concurrently."""

from functools import partial

import pytest

from infra.settings import Settings
from tests.planted_defects import a_column_count_without_a_guard, assert_async_check_fails
from tests.store import wip_limits
from tests.store.two_processes import two_processes
from tests.store.wip_limits import ColumnHandlers, Race, running_worker

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    "race", [wip_limits.a_full_column_rejects_concurrent_entries, wip_limits.concurrent_moves_are_counted_exactly]
)
async def test_a_count_is_exact(settings: Settings, race: Race) -> None:
    async with two_processes(settings.database_url) as both:
        with running_worker(settings):
            await race(ColumnHandlers(both, settings))


async def test_a_column_count_without_a_guard_is_noticed(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    a_column_count_without_a_guard(monkeypatch)
    async with two_processes(settings.database_url) as both:
        with running_worker(settings):
            await assert_async_check_fails(
                partial(wip_limits.a_full_column_rejects_concurrent_entries, ColumnHandlers(both, settings))
            )
