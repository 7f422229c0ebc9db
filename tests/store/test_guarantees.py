"""The guarantees of the event store hold; `TASKLEDGER_TEST_KILLS` in the environment runs the full tests."""

import os

import pytest

from infra.settings import Settings
from tests.store import guarantees
from tests.store.two_processes import two_processes

pytestmark = pytest.mark.slow

IS_FULL_RUN = "TASKLEDGER_TEST_KILLS" in os.environ
"""A round of 32 writers takes 12 ms, and a request that is cancelled and retried 1.5 ms."""


async def test_one_of_32_writers_wins_each_round(settings: Settings) -> None:
    async with two_processes(settings.database_url) as both:
        await guarantees.one_writer_wins_each_version(both, rounds=2_000 if IS_FULL_RUN else 200)


async def test_a_reader_that_follows_8_writers_skips_none_of_50_000_events(settings: Settings) -> None:
    async with two_processes(settings.database_url) as both:
        await guarantees.a_following_reader_skips_no_event(both, writers=8, groups=125, events=50)


async def test_no_process_decides_on_a_stale_cache_1_000_times(settings: Settings) -> None:
    async with two_processes(settings.database_url) as both:
        await guarantees.no_process_decides_on_a_stale_cache(both, tasks=50, rounds=20)


async def test_no_write_of_a_removed_member_commits_later_1_000_times(settings: Settings) -> None:
    async with two_processes(settings.database_url) as both:
        await guarantees.no_write_of_a_removed_member_commits_later(both, members=50, rounds=20)


async def test_retries_make_every_outcome_definite(settings: Settings, seed: int) -> None:
    async with two_processes(settings.database_url, seed) as both:
        await guarantees.retries_make_every_outcome_definite(both, clients=8, rounds=100 if IS_FULL_RUN else 15)


async def test_cancelled_requests_leave_the_pool_whole_and_commit_once(settings: Settings, seed: int) -> None:
    async with two_processes(settings.database_url, seed) as both:
        await guarantees.cancelled_requests_leave_the_pool_whole(
            both, requests=10_000 if IS_FULL_RUN else 1_000, seed=seed
        )
