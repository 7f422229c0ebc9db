"""Timestamps: what RFC 3339 allows is read, and anything else is refused in words about the time."""

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.timestamp import parse_timestamp

READ = {
    "2026-12-01T10:00:00Z": "2026-12-01T10:00:00+00:00",
    "2026-12-01t10:00z": "2026-12-01T10:00:00+00:00",
    "2026-12-01 10:00:00-00:00": "2026-12-01T10:00:00+00:00",
    "2026-12-01T10:00:00.5Z": "2026-12-01T10:00:00.500000+00:00",
    "2026-12-01T10:00:00.1234567Z": "2026-12-01T10:00:00.123456+00:00",
    "2026-12-01T10:00:00.999999999999999999999Z": "2026-12-01T10:00:00.999999+00:00",
    "2026-12-01T10:00:00+23:59": "2026-12-01T10:00:00+23:59",
    "2026-12-01T10:00:00-23:59": "2026-12-01T10:00:00-23:59",
    "2026-12-31T23:59:60Z": "2027-01-01T00:00:00+00:00",
    "2026-06-30T23:59:60.5Z": "2026-07-01T00:00:00.500000+00:00",
    "1990-12-31T15:59:60-08:00": "1990-12-31T16:00:00-08:00",
    "2017-01-01T05:44:60+05:45": "2017-01-01T05:45:00+05:45",
    "0001-01-01T00:00:00Z": "0001-01-01T00:00:00+00:00",
    "9999-12-31T23:59:59.999999Z": "9999-12-31T23:59:59.999999+00:00",
}
REFUSED = {
    "2026-12-01": "must be a time with an offset, such as 2026-12-01T10:00:00Z",
    "2026-12-01T10:00:00": "must be a time with an offset, such as 2026-12-01T10:00:00Z",
    "2026-12-01T10:00:00.Z": "must be a time with an offset, such as 2026-12-01T10:00:00Z",
    "tomorrow": "must be a time with an offset, such as 2026-12-01T10:00:00Z",
    "2026-12-01T24:00:00Z": "must have a time of day from 00:00:00 to 23:59:59",
    "2026-12-01T10:60:00Z": "must have a time of day from 00:00:00 to 23:59:59",
    "2026-12-01T10:00:61Z": "must have a time of day from 00:00:00 to 23:59:59",
    "2026-12-01T10:00:00+24:00": "must have an offset from -23:59 to +23:59",
    "2026-12-01T10:00:00+10:60": "must have an offset from -23:59 to +23:59",
    "2026-02-30T10:00:00Z": "must be a day in the calendar",
    "2026-13-01T10:00:00Z": "must be a day in the calendar",
    "0000-01-01T10:00:00Z": "must be a day in the calendar",
    "2026-12-01T10:00:60Z": "can have a second of 60 only at the end of a month in UTC, where leap seconds are",
    "2026-12-31T23:59:60+01:00": "can have a second of 60 only at the end of a month in UTC, where leap seconds are",
    "0001-01-01T00:00:00+14:00": "must be within the years 0001 to 9999 in UTC",
    "9999-12-31T23:59:59-12:00": "must be within the years 0001 to 9999 in UTC",
    "9999-12-31T23:59:60Z": "must be within the years 0001 to 9999 in UTC",
}


@pytest.mark.parametrize("text", READ)
def test_a_timestamp_is_read_to_the_microsecond_in_its_offset(text: str) -> None:
    assert parse_timestamp(text).isoformat() == READ[text]


@pytest.mark.parametrize("text", REFUSED)
def test_what_is_no_timestamp_is_refused_in_words_about_it(text: str) -> None:
    with pytest.raises(ValueError) as refused:  # noqa: PT011 - the text is compared
        parse_timestamp(text)
    assert str(refused.value) == REFUSED[text]


_OFFSETS = st.integers(-23 * 60 - 59, 23 * 60 + 59).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@given(st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=_OFFSETS))  # noqa: DTZ001 - naive bounds
def test_a_timestamp_that_python_writes_is_read_as_the_same_moment(moment: datetime) -> None:
    assert parse_timestamp(moment.isoformat()) == moment
