"""The promises of the event store, kept; `TASKLEDGER_TEST_KILLS` in the environment asks for all that is promised."""

import os

from infra.settings import Settings
from tests.store import promises
from tests.store.processes import processes

ALL = "TASKLEDGER_TEST_KILLS" in os.environ
"""A round of 32 writers costs 12 ms, and a request that is given up and sent again 1.5 ms."""


async def test_one_of_32_writers_wins_each_round(settings: Settings) -> None:
    async with processes(settings.database_url) as both:
        await promises.one_of_all_writers_wins_each_round(both, rounds=2_000 if ALL else 200)


async def test_a_reader_that_follows_8_writers_skips_none_of_50_000_events(settings: Settings) -> None:
    async with processes(settings.database_url) as both:
        await promises.a_reader_that_follows_skips_nothing(both, writers=8, groups=125, events=50)


async def test_what_one_process_reopens_the_other_completes_1_000_times(settings: Settings) -> None:
    async with processes(settings.database_url) as both:
        await promises.what_one_process_reopens_the_other_completes(both, tasks=50, rounds=20)


async def test_nothing_of_a_removed_member_lands_after_the_removal_1_000_times(settings: Settings) -> None:
    async with processes(settings.database_url) as both:
        await promises.nothing_of_a_removed_member_lands_after_the_removal(both, members=50, rounds=20)


async def test_every_outcome_is_definite_whatever_is_cut(settings: Settings, seed: int) -> None:
    async with processes(settings.database_url, seed) as both:
        await promises.every_outcome_is_definite_whatever_is_cut(both, clients=8, rounds=100 if ALL else 15)


async def test_who_gives_up_leaves_the_pool_whole_and_has_had_their_wish_once(settings: Settings, seed: int) -> None:
    async with processes(settings.database_url, seed) as both:
        await promises.who_gives_up_leaves_the_pool_whole(both, requests=10_000 if ALL else 1_000, seed=seed)
