"""The promises of the store can be broken: a planted defect turns each of them red."""

from functools import partial

import pytest

from infra.settings import Settings
from tests.defects import a_member_who_is_looked_up_and_not_asserted, noticed_in_time
from tests.store import defects, promises
from tests.store.processes import Processes, processes


async def test_writers_who_check_and_then_insert_are_noticed(settings: Settings) -> None:
    async with processes(settings.database_url) as both:
        defects.writers_who_check_and_then_insert(settings.migration_url)
        await noticed_in_time(partial(promises.one_of_all_writers_wins_each_round, both, 50))


async def test_positions_taken_without_the_lock_are_noticed(settings: Settings) -> None:
    async with processes(settings.database_url) as both:
        defects.positions_taken_without_the_lock(settings.migration_url)
        await noticed_in_time(partial(promises.a_reader_that_follows_skips_nothing, both, 8, 100, 50))


async def test_no_ops_that_are_answered_from_memory_are_noticed(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    defects.answers_of_nothing_without_a_look(monkeypatch)
    async with processes(settings.database_url) as both:
        await noticed_in_time(partial(promises.what_one_process_reopens_the_other_completes, both, 1, 10))


async def test_a_log_that_checks_no_version_is_noticed(settings: Settings) -> None:
    async with processes(settings.database_url) as both:
        defects.a_log_that_checks_no_version(settings.migration_url)
        await noticed_in_time(partial(promises.what_one_process_reopens_the_other_completes, both, 1, 10))


async def test_answers_before_the_commit_are_noticed(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    async with processes(settings.database_url) as both:
        defects.answers_before_the_commit(monkeypatch)
        await noticed_in_time(partial(definite_after_cuts, both))
        await noticed_in_time(partial(whole_after_giving_up, both))


async def test_keys_that_nobody_looks_up_are_noticed(settings: Settings) -> None:
    async with processes(settings.database_url) as both:
        defects.keys_that_nobody_looks_up(settings.migration_url)
        await noticed_in_time(partial(whole_after_giving_up, both))


async def test_a_group_sent_again_that_nobody_recognises_is_noticed(settings: Settings) -> None:
    async with processes(settings.database_url) as both:
        defects.a_group_sent_again_that_nobody_recognises(settings.migration_url)
        await noticed_in_time(partial(definite_after_cuts, both))


async def test_a_member_who_is_looked_up_and_not_asserted_is_noticed(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_member_who_is_looked_up_and_not_asserted(monkeypatch)
    async with processes(settings.database_url) as both:
        race = promises.nothing_of_a_removed_member_lands_after_the_removal
        await noticed_in_time(partial(race, both, members=20, rounds=5))


async def definite_after_cuts(both: Processes) -> None:
    await promises.every_outcome_is_definite_whatever_is_cut(both, clients=8, rounds=30)


async def whole_after_giving_up(both: Processes) -> None:
    await promises.who_gives_up_leaves_the_pool_whole(both, requests=800, seed=1)
