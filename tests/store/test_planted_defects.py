"""Planted defects: each breaks a guarantee of the store, and its check must turn red."""

from functools import partial

import pytest

from infra.settings import Settings
from tests.planted_defects import a_membership_read_without_a_guard, assert_async_check_fails
from tests.store import guarantees, planted_defects
from tests.store.two_processes import TwoProcesses, two_processes

pytestmark = pytest.mark.slow


async def test_check_then_insert_is_noticed(settings: Settings) -> None:
    async with two_processes(settings.database_url) as both:
        planted_defects.check_then_insert(settings.migration_url)
        await assert_async_check_fails(partial(guarantees.one_writer_wins_each_version, both, 50))


async def test_positions_allocated_without_lock_are_noticed(settings: Settings) -> None:
    async with two_processes(settings.database_url) as both:
        planted_defects.positions_allocated_without_lock(settings.migration_url)
        await assert_async_check_fails(partial(guarantees.a_following_reader_skips_no_event, both, 8, 100, 50))


async def test_no_ops_answered_from_cache_are_noticed(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    planted_defects.no_ops_answered_from_cache(monkeypatch)
    async with two_processes(settings.database_url) as both:
        await assert_async_check_fails(partial(guarantees.no_process_decides_on_a_stale_cache, both, 1, 10))


async def test_an_append_without_version_check_is_noticed(settings: Settings) -> None:
    async with two_processes(settings.database_url) as both:
        planted_defects.append_without_version_check(settings.migration_url)
        await assert_async_check_fails(partial(guarantees.no_process_decides_on_a_stale_cache, both, 1, 10))


async def test_acknowledgements_before_the_commit_are_noticed(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with two_processes(settings.database_url) as both:
        planted_defects.acknowledged_before_commit(monkeypatch)
        await assert_async_check_fails(partial(outcomes_are_definite_after_cuts, both))
        await assert_async_check_fails(partial(pool_is_whole_after_cancellations, both))


async def test_unchecked_idempotency_keys_are_noticed(settings: Settings) -> None:
    async with two_processes(settings.database_url) as both:
        planted_defects.idempotency_keys_not_checked(settings.migration_url)
        await assert_async_check_fails(partial(pool_is_whole_after_cancellations, both))


async def test_an_unrecognised_resent_group_is_noticed(settings: Settings) -> None:
    async with two_processes(settings.database_url) as both:
        planted_defects.resent_group_not_recognised(settings.migration_url)
        await assert_async_check_fails(partial(outcomes_are_definite_after_cuts, both))


async def test_a_membership_read_without_a_guard_is_noticed(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_membership_read_without_a_guard(monkeypatch)
    async with two_processes(settings.database_url) as both:
        race = guarantees.no_write_of_a_removed_member_commits_later
        await assert_async_check_fails(partial(race, both, members=20, rounds=5))


async def outcomes_are_definite_after_cuts(both: TwoProcesses) -> None:
    await guarantees.retries_make_every_outcome_definite(both, clients=8, rounds=30)


async def pool_is_whole_after_cancellations(both: TwoProcesses) -> None:
    await guarantees.cancelled_requests_leave_the_pool_whole(both, requests=800, seed=1)
