"""The clock of a connection: a body has its time, and a streamed one new time as long as it goes on."""

from api.connections.request_clock import BODY_TIMEOUT_S, MIN_BODY_BYTES_PER_S, MIN_UPLOAD_BYTES, Phase, RequestClock


def clock_in_body() -> RequestClock:
    clock = RequestClock(0.0)
    clock.begin(Phase.BODY, 0.0)
    return clock


def test_a_body_may_take_longer_only_at_a_rate() -> None:
    clock = clock_in_body()
    clock.count_body(40 * MIN_BODY_BYTES_PER_S)
    assert not clock.is_request_late(BODY_TIMEOUT_S + 5)
    assert clock.is_request_late(41)


def test_a_streamed_body_has_new_time_with_every_step() -> None:
    clock = clock_in_body()
    clock.stream_body(0.0)
    for now in range(20, 2_000, 20):
        clock.count_body(MIN_UPLOAD_BYTES)
        assert not clock.is_request_late(now)
        clock.note_progress(now)


def test_a_streamed_body_that_stops_is_late() -> None:
    clock = clock_in_body()
    clock.stream_body(0.0)
    clock.count_body(MIN_UPLOAD_BYTES)
    clock.note_progress(20.0)
    clock.count_body(MIN_UPLOAD_BYTES - 1)
    clock.note_progress(40.0)
    assert not clock.is_request_late(20.0 + BODY_TIMEOUT_S)
    assert clock.is_request_late(20.1 + BODY_TIMEOUT_S)


def test_the_next_request_is_not_streamed() -> None:
    clock = clock_in_body()
    clock.stream_body(0.0)
    clock.begin(Phase.HANDLING, 1.0)
    clock.stream_body(2.0)
    clock.begin(Phase.BODY, 3.0)
    clock.count_body(MIN_UPLOAD_BYTES)
    clock.note_progress(20.0)
    assert clock.is_request_late(3.1 + BODY_TIMEOUT_S)
