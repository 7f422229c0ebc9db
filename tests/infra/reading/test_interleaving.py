"""No answer is older than it claims, even if messages are late or lost; planted defects are noticed."""

import asyncio
from collections.abc import Callable

import pytest
from msgspec.structs import replace

from infra.database.connections import connect
from infra.reading.cached_answer import BuildState
from infra.reading.memory_cache import Invalidation, MemoryCache
from infra.reading.progress import ProjectionProgress
from infra.reading.progress_messages import ProgressMessage
from infra.settings import Settings
from tests.examples import workspace
from tests.infra.reading.interleaving import STEPS, Step, simulate
from tests.law import law
from tests.projections import oracle

pytestmark = pytest.mark.slow


@pytest.fixture
def run_steps(settings: Settings) -> Callable[[list[Step]], None]:
    """A function that runs steps, and checks every answer."""
    with connect(settings.database_url) as connection:
        oracle.append_facts(connection, workspace())
        oracle.catch_up(connection)
    return lambda steps: asyncio.run(simulate(settings, steps))


def test_every_answer_is_exact_at_its_position_and_never_stale(
    run_steps: Callable[[list[Step]], None],
) -> None:
    law(STEPS, examples=60)(run_steps)()


def parse_steps(*steps: str) -> list[Step]:
    """Parse steps such as `read 1`; the default number is 0."""
    return [(name, int(number or 0)) for name, _, number in (step.partition(" ") for step in steps)]


READ_STEPS, DELIVERED_CHANGE_STEPS, LOST_CHANGE_STEPS = (
    ("read", "resume 5"),
    ("write", "fold", "deliver"),
    ("write", "fold", "drop"),
)
STARTED_READ_STEPS = ("read", "resume", "resume")
"""The read has its rows, and pauses before it caches them."""
OVERTAKEN_READ_STEPS = (*STARTED_READ_STEPS, *DELIVERED_CHANGE_STEPS)
OTHER_TASK_CHANGE_STEPS = ("write 5", "fold", "deliver")


def an_overtaken_load_is_cached_as_fresh(patch: pytest.MonkeyPatch) -> None:
    """Rows read before a change are cached as if they were read after it."""
    keep = MemoryCache.set

    def careless(self: MemoryCache[object], key: str, value: object, size: int, watch: Invalidation) -> None:
        watch.is_invalidated = False
        keep(self, key, value, size, watch)

    patch.setattr(MemoryCache, "set", careless)


def a_gap_in_messages_goes_unnoticed(patch: pytest.MonkeyPatch) -> None:
    def trusting(self: ProjectionProgress, name: str, news: object) -> None:
        for scope in getattr(news, "generations")[name]:  # noqa: B009 - it has no public type
            self._memory_cache.invalidate((name, scope))

    patch.setattr(ProjectionProgress, "_invalidate_changed", trusting)


def a_gap_below_a_reported_position_goes_unnoticed(patch: pytest.MonkeyPatch) -> None:
    """Also below one that was reported about another database: an API process then served a task as it had been."""
    invalidate = ProjectionProgress._invalidate_changed  # noqa: SLF001 - it has no public name

    def trusting(self: ProjectionProgress, name: str, message: ProgressMessage) -> None:
        reported = self._reported_positions[name][message.partition]
        is_late = message.position <= reported
        invalidate(self, name, replace(message, start=reported) if is_late else message)

    patch.setattr(ProjectionProgress, "_invalidate_changed", trusting)


def another_database_is_believed(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(ProjectionProgress, "_is_foreign", lambda *_: False)


def the_highest_reported_position_is_trusted(patch: pytest.MonkeyPatch) -> None:
    """Also one that was reported about another database."""
    patch.setattr(
        ProjectionProgress, "known_position", lambda self, _: max(self._reported_positions["task_list"].values())
    )


def no_polling(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(ProjectionProgress, "_reconcile", lambda *_: None)


def generations_ignored(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(BuildState, "is_unchanged_since", lambda *_: True)


def messages_do_not_invalidate(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(ProjectionProgress, "_invalidate_changed", lambda *_: None)


def a_reader_coalesced_with_a_stale_load(patch: pytest.MonkeyPatch) -> None:
    patch.setattr("infra.reading.reader._is_invalidated", lambda _: False)


def reconnects_do_not_invalidate(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(ProjectionProgress, "_reset", lambda *_: None)


DEFECTS = [
    (an_overtaken_load_is_cached_as_fresh, parse_steps(*OVERTAKEN_READ_STEPS, "resume 5", *READ_STEPS)),
    (
        a_gap_in_messages_goes_unnoticed,
        parse_steps(*DELIVERED_CHANGE_STEPS, *READ_STEPS, *LOST_CHANGE_STEPS, *OTHER_TASK_CHANGE_STEPS, *READ_STEPS),
    ),
    (
        a_gap_below_a_reported_position_goes_unnoticed,
        parse_steps("receive_foreign", *READ_STEPS, *LOST_CHANGE_STEPS, *OTHER_TASK_CHANGE_STEPS, *READ_STEPS),
    ),
    (
        a_gap_below_a_reported_position_goes_unnoticed,
        parse_steps("receive_foreign", *STARTED_READ_STEPS, *LOST_CHANGE_STEPS, *OTHER_TASK_CHANGE_STEPS, *READ_STEPS),
    ),
    (
        another_database_is_believed,
        parse_steps("poll", "poll", "receive_foreign 3", *READ_STEPS, *LOST_CHANGE_STEPS, "poll", "poll", *READ_STEPS),
    ),
    (
        no_polling,
        parse_steps(*DELIVERED_CHANGE_STEPS, "poll", *READ_STEPS, *LOST_CHANGE_STEPS, "poll", "poll", *READ_STEPS),
    ),
    (
        the_highest_reported_position_is_trusted,
        parse_steps("poll", "poll", "receive_foreign", *READ_STEPS, "write", "fold", *READ_STEPS),
    ),
    (generations_ignored, parse_steps(*READ_STEPS, *DELIVERED_CHANGE_STEPS, *READ_STEPS)),
    (messages_do_not_invalidate, parse_steps(*READ_STEPS, *DELIVERED_CHANGE_STEPS, *READ_STEPS)),
    (a_reader_coalesced_with_a_stale_load, parse_steps(*OVERTAKEN_READ_STEPS, *READ_STEPS)),
    (
        reconnects_do_not_invalidate,
        parse_steps(*DELIVERED_CHANGE_STEPS, *READ_STEPS, "write", "fold", "reconnect", *READ_STEPS),
    ),
]


@pytest.mark.parametrize(("plant", "steps"), DEFECTS)
def test_a_planted_defect_is_noticed(
    run_steps: Callable[[list[Step]], None],
    monkeypatch: pytest.MonkeyPatch,
    plant: Callable[[pytest.MonkeyPatch], None],
    steps: list[Step],
) -> None:
    run_steps(steps)
    plant(monkeypatch)
    with pytest.raises(AssertionError):
        run_steps(steps)
