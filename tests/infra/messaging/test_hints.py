"""Hints: sent at once to a partition that has caught up, and bounded in number without a worker."""

from collections.abc import Callable, Sized

import pytest

from infra.messaging import broker
from infra.messaging.hints import MAX_QUEUED_HINTS_PER_PARTITION, HintSender, hint_message
from infra.settings import Settings
from tests.e2e.running_instance import poll_until
from tests.infra.messaging.unreported_progress import ProgressNeverReported


def test_a_caught_up_partition_is_hinted_at_once(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even if the thread rarely polls, and whatever it is doing when the hint arrives."""
    monkeypatch.setattr("infra.messaging.hints.LINGER_S", 3600)
    monkeypatch.setattr("infra.messaging.hints.QUEUE_NAME", "deserted")  # it has no messages of other tests
    messages = broker.create_broker(settings.broker_url)
    sent, progress = list[object](), ProgressNeverReported()
    monkeypatch.setattr(messages, "enqueue", sent.append)
    monkeypatch.setattr(progress, "reported_position", lambda _: len(sent))
    hints = HintSender(messages, progress, 1)
    hints.start()
    for position in range(1, 100):
        hints.hint(position)
        poll_until(has_length(sent, position))
    hints.stop()
    messages.close()


def test_hints_do_not_pile_up_without_a_worker(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("infra.messaging.hints.QUEUE_NAME", "deserted")
    messages = broker.create_broker(settings.broker_url)
    messages.declare_queue("deserted")
    hints = HintSender(messages, ProgressNeverReported(), 3)
    for _ in range(200):
        hints._enqueue([0, 1, 2])  # noqa: SLF001 - as its thread does, without waiting for it
    assert 0 < messages.client.llen("dramatiq:deserted") <= (MAX_QUEUED_HINTS_PER_PARTITION + 1) * 3
    messages.flush("deserted")
    messages.close()


def test_the_message_names_a_partition() -> None:
    assert hint_message(3).args == (3,)


def has_length(found: Sized, count: int) -> Callable[[], bool]:
    return lambda: len(found) == count
