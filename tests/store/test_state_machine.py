"""Two processes, called in turn or concurrently, give the answers and the log that the model predicts."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import hypothesis
import pytest
from hypothesis import HealthCheck, Phase
from hypothesis.errors import Flaky
from hypothesis.stateful import run_state_machine_as_test

from domain.column import DEFAULT_COLUMNS
from infra.settings import Settings
from tests.store import planted_defects
from tests.store.state_machine import TwoProcessMachine
from tests.store.two_processes import two_processes

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def _boards_without_a_done_column(monkeypatch: pytest.MonkeyPatch) -> None:
    """On which a complete is one event, as the model has it."""
    monkeypatch.setattr("commands.project.NEW_BOARD_COLUMNS", DEFAULT_COLUMNS)


Plant = Callable[[pytest.MonkeyPatch], None]


def test_the_log_and_the_answers_are_those_of_the_model(settings: Settings) -> None:
    with machine_runs(settings.database_url, examples=20) as tell:
        tell()


@pytest.mark.parametrize(
    "plants",
    [
        pytest.param([planted_defects.no_ops_answered_from_cache], id="no-ops from memory"),
        pytest.param(
            [planted_defects.no_ops_answered_from_cache, planted_defects.stream_cache_never_invalidated],
            id="stale for ever",
        ),
        pytest.param([planted_defects.acknowledged_before_commit], id="answers before the commit"),
    ],
)
def test_a_planted_defect_is_noticed(settings: Settings, monkeypatch: pytest.MonkeyPatch, plants: list[Plant]) -> None:
    with machine_runs(settings.database_url, 100, derandomize=True) as tell:
        for plant in plants:
            plant(monkeypatch)
        assert_run_fails(tell)


def assert_run_fails(run: Callable[[], None]) -> None:
    """Assert that a run fails; a race lost once may be won when Hypothesis replays it, which is Flaky."""
    with pytest.raises((AssertionError, Flaky)):
        run()


@contextmanager
def machine_runs(url: str, examples: int, *, derandomize: bool = False) -> Iterator[Callable[[], None]]:
    """A check of that many runs on one database; there is no shrinking, as a race may not happen again."""
    run_settings = hypothesis.settings(
        max_examples=examples,
        stateful_step_count=20,
        phases=[Phase.generate],
        derandomize=derandomize,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    opened = two_processes(url)
    with asyncio.Runner() as runner:
        both = runner.run(opened.__aenter__())
        machine = type("BoundMachine", (TwoProcessMachine,), {"both": both, "runner": runner})
        try:
            yield lambda: run_state_machine_as_test(machine, settings=run_settings)
        finally:
            runner.run(opened.__aexit__(None, None, None))
