"""Back-off: pauses grow from one second to ten, with jitter, and start anew after a success."""

import psycopg

from infra.backoff import JITTER, Backoff
from infra.worker.retried_steps import RetriedSteps


def test_pauses_double_up_to_the_limit() -> None:
    backoff = Backoff()
    for expected_s in (1, 2, 4, 8, 10, 10):
        assert expected_s * (1 - JITTER) <= backoff.pause_s() <= expected_s * (1 + JITTER)
    backoff.reset()
    assert backoff.pause_s() <= 1 + JITTER


def test_pauses_differ() -> None:
    assert len({Backoff().pause_s() for _ in range(20)}) > 1


def test_a_worker_waits_longer_and_longer_while_postgresql_is_away() -> None:
    steps = RetriedSteps(poll_interval_s=1.0)

    def connect() -> None:
        raise psycopg.OperationalError("away")

    def fail() -> None:
        raise ValueError("a bad document")

    for _ in range(5):
        steps.run("partition 0", connect)
        pause_s = steps.pause_s()
    assert pause_s > 7
    steps.run("partition 0", fail)
    assert steps.pause_s() == 1.0, "an error of its own is no reason to wait"
    assert steps.run("partition 0", lambda: 7) == 7
