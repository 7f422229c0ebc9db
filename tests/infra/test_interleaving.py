"""No answer is older than it says, whatever comes late or never; and whoever weakens a part of that is found out."""

import asyncio
from collections.abc import Callable

import pytest

from infra.database.pool import connect
from infra.reading.cached_answer import BuildState
from infra.reading.memory_cache import Invalidation, MemoryCache
from infra.reading.progress import ProjectionProgress
from infra.settings import Settings
from tests.examples import workspace
from tests.infra.interleaving import STEPS, Step, told
from tests.law import law
from tests.projections import oracle


@pytest.fixture
def tell(settings: Settings) -> Callable[[list[Step]], None]:
    """Let something happen, and check what is found."""
    with connect(settings.database_url) as connection:
        oracle.write(connection, workspace())
        oracle.catch_up(connection)
    return lambda steps: asyncio.run(told(settings, steps))


def test_every_answer_is_true_at_its_position_and_not_older_than_what_was_known(
    tell: Callable[[list[Step]], None],
) -> None:
    law(STEPS, examples=60)(tell)()


def rows(*steps: str) -> list[Step]:
    """`ask 1` and so on; without a number it is 0."""
    return [(name, int(number or 0)) for name, _, number in (step.partition(" ") for step in steps)]


READ, CHANGED, LOST = ("ask", "go_on 5"), ("write", "fold", "deliver"), ("write", "fold", "lose")
OVERTAKEN = ("ask", "go_on", "go_on", *CHANGED)
"""It has its rows, and stops before it remembers them."""
OTHER_CHANGED = ("write 5", "fold", "deliver")


def a_load_that_a_message_overtakes_is_kept(patch: pytest.MonkeyPatch) -> None:
    """What was read before a change is taken for what is true after it."""
    keep = MemoryCache.set

    def careless(self: MemoryCache[object], key: str, value: object, size: int, watch: Invalidation) -> None:
        watch.is_invalidated = False
        keep(self, key, value, size, watch)

    patch.setattr(MemoryCache, "set", careless)


def a_message_that_is_missing_is_not_missed(patch: pytest.MonkeyPatch) -> None:
    def trusting(self: ProjectionProgress, name: str, news: object) -> None:
        for scope in getattr(news, "generations")[name]:  # noqa: B009 - it has no public type
            self._memory_cache.invalidate((name, scope))

    patch.setattr(ProjectionProgress, "_invalidate_changed", trusting)


def a_position_that_is_only_hoped_for(patch: pytest.MonkeyPatch) -> None:
    """The highest that was heard of, whoever said it."""
    patch.setattr(
        ProjectionProgress, "known_position", lambda self, _: max(self._reported_positions["task_list"].values())
    )


def nobody_who_looks(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(ProjectionProgress, "_reconcile", lambda *_: None)


def an_answer_of_any_generation(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(BuildState, "is_unchanged_since", lambda *_: True)


def a_message_that_changes_nothing(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(ProjectionProgress, "_invalidate_changed", lambda *_: None)


def a_reader_who_joins_what_is_old_already(patch: pytest.MonkeyPatch) -> None:
    patch.setattr("infra.reading.reader._is_invalidated", lambda _: False)


def a_channel_that_was_deaf_and_says_nothing(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(ProjectionProgress, "_reset", lambda *_: None)


DEFECTS = [
    (a_load_that_a_message_overtakes_is_kept, rows(*OVERTAKEN, "go_on 5", *READ)),
    (a_message_that_is_missing_is_not_missed, rows(*CHANGED, *READ, *LOST, *OTHER_CHANGED, *READ)),
    (nobody_who_looks, rows(*CHANGED, "look", *READ, *LOST, "look", "look", *READ)),
    (a_position_that_is_only_hoped_for, rows("look", "look", "foreign", *READ, "write", "fold", *READ)),
    (an_answer_of_any_generation, rows(*READ, *CHANGED, *READ)),
    (a_message_that_changes_nothing, rows(*READ, *CHANGED, *READ)),
    (a_reader_who_joins_what_is_old_already, rows(*OVERTAKEN, *READ)),
    (a_channel_that_was_deaf_and_says_nothing, rows(*CHANGED, *READ, "write", "fold", "reconnect", *READ)),
]


@pytest.mark.parametrize(("plant", "steps"), DEFECTS)
def test_it_is_noticed(
    tell: Callable[[list[Step]], None],
    monkeypatch: pytest.MonkeyPatch,
    plant: Callable[[pytest.MonkeyPatch], None],
    steps: list[Step],
) -> None:
    tell(steps)
    plant(monkeypatch)
    with pytest.raises(AssertionError):
        tell(steps)
