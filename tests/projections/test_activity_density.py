"""Spans of time for the density of activity."""

from datetime import datetime, timedelta

from projections.activity_density import bucket_starts


def test_buckets_are_equal_to_the_microsecond() -> None:
    start = datetime.fromisoformat("2026-12-01T00:00:00Z")
    starts = bucket_starts(start, start + timedelta(microseconds=10), 4)
    assert [(one - start) // timedelta(microseconds=1) for one in starts] == [0, 2, 5, 7]
    assert len(bucket_starts(start, start + timedelta(microseconds=1), 1_000)) == 1_000
