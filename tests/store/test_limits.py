"""A limit holds, and a count is exact, whatever two processes do at once."""

from functools import partial

import pytest

from infra.settings import Settings
from tests.defects import a_count_that_nobody_asserts, noticed_in_time
from tests.store import limits
from tests.store.limits import Doors, Race, folding
from tests.store.processes import processes


@pytest.mark.parametrize("race", [limits.a_full_column_takes_no_more, limits.whoever_comes_and_goes_is_counted])
async def test_a_count_is_exact(settings: Settings, race: Race) -> None:
    async with processes(settings.database_url) as both:
        with folding(settings):
            await race(Doors(both, settings))


async def test_a_count_that_nobody_asserts_is_noticed(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    a_count_that_nobody_asserts(monkeypatch)
    async with processes(settings.database_url) as both:
        with folding(settings):
            await noticed_in_time(partial(limits.a_full_column_takes_no_more, Doors(both, settings)))
