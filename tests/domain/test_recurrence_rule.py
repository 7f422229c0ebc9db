"""Recurrence rules: what is read, and what is refused, by its part."""

from datetime import UTC, date, datetime

import pytest

from domain.errors import InvalidRecurrenceRule, RecurrenceNeverOccurs
from domain.recurrence_rule import MAX_COUNT, MAX_INTERVAL, OrdinalWeekday, RecurrenceRule, parse_rule, with_count


def test_a_rule_is_read_part_by_part_in_any_order_and_letter_case() -> None:
    text = "interval=2;FREQ=yearly;COUNT=9;BYMONTH=3,4;BYMONTHDAY=-1,+5;BYDAY=mo,-1FR,2tu;BYSETPOS=1,-1"
    assert parse_rule(text) == RecurrenceRule(
        "YEARLY",
        2,
        count=9,
        months=(3, 4),
        month_days=(-1, 5),
        weekdays=(OrdinalWeekday(0), OrdinalWeekday(4, -1), OrdinalWeekday(1, 2)),
        positions=(1, -1),
    )


def test_until_is_a_day_or_a_time_in_utc() -> None:
    assert parse_rule("FREQ=DAILY;UNTIL=20261231").until == date(2026, 12, 31)
    assert parse_rule("FREQ=DAILY;UNTIL=20261231T120000Z").until == datetime(2026, 12, 31, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "part", "words"),
    [
        ("", "", '"" is not known here'),
        ("INTERVAL=2", "FREQ", "FREQ is missing"),
        ("FREQ=HOURLY", "FREQ", "one of DAILY, WEEKLY, MONTHLY and YEARLY"),
        ("FREQ", "FREQ", "one of"),
        ("FREQ=DAILY;", "", '"" is not known here'),
        ("RRULE:FREQ=DAILY", "RRULE:FREQ", "is not known here"),
        ("FREQ=DAILY;BYHOUR=9", "BYHOUR", "only FREQ, INTERVAL, COUNT"),
        ("FREQ=WEEKLY;WKST=SU", "WKST", "is not known here"),
        ("FREQ=DAILY;X-" + "A" * 400 + "=1", "X-" + "A" * 28, "is not known here"),
        ("FREQ=DAILY;FREQ=DAILY", "FREQ", "is there twice"),
        ("FREQ=DAILY;INTERVAL=0", "INTERVAL", "from 1 to 999"),
        ("FREQ=DAILY;INTERVAL=1000", "INTERVAL", "from 1 to 999"),
        ("FREQ=DAILY;INTERVAL=+1", "INTERVAL", "from 1 to 999"),
        ("FREQ=DAILY;INTERVAL=\u0662", "INTERVAL", "from 1 to 999"),
        ("FREQ=DAILY;COUNT=0", "COUNT", "from 1 to 9999"),
        ("FREQ=DAILY;COUNT=10000", "COUNT", "from 1 to 9999"),
        ("FREQ=DAILY;COUNT=2;UNTIL=20261231", "UNTIL", "cannot stand beside COUNT"),
        ("FREQ=DAILY;UNTIL=20260230", "UNTIL", "a day in the calendar"),
        ("FREQ=DAILY;UNTIL=2026-12-31", "UNTIL", "20261231T120000Z"),
        ("FREQ=DAILY;UNTIL=20261231T120000", "UNTIL", "in UTC"),
        ("FREQ=YEARLY;BYMONTH=13", "BYMONTH", "from 1 to 12"),
        ("FREQ=YEARLY;BYMONTH=-1", "BYMONTH", "from 1 to 12"),
        ("FREQ=MONTHLY;BYMONTHDAY=0", "BYMONTHDAY", "from 1 to 31 or -1 to -31"),
        ("FREQ=MONTHLY;BYMONTHDAY=1,,2", "BYMONTHDAY", "with commas"),
        ("FREQ=WEEKLY;BYMONTHDAY=1", "BYMONTHDAY", "cannot stand beside FREQ=WEEKLY"),
        ("FREQ=WEEKLY;BYDAY=MONDAY", "BYDAY", "MO, 2TU or -1FR"),
        ("FREQ=WEEKLY;BYDAY=1MO", "BYDAY", "beside FREQ=WEEKLY"),
        ("FREQ=DAILY;BYDAY=1MO", "BYDAY", "beside FREQ=DAILY"),
        ("FREQ=MONTHLY;BYDAY=6MO", "BYDAY", "from 1 to 5"),
        ("FREQ=MONTHLY;BYDAY=0MO", "BYDAY", "from 1 to 5"),
        ("FREQ=YEARLY;BYDAY=54MO", "BYDAY", "from 1 to 53"),
        ("FREQ=YEARLY;BYMONTH=2;BYDAY=6MO", "BYDAY", "from 1 to 5"),
        ("FREQ=MONTHLY;BYSETPOS=1", "BYSETPOS", "needs BYDAY"),
        ("FREQ=MONTHLY;BYDAY=MO;BYSETPOS=367", "BYSETPOS", "from 1 to 366"),
    ],
)
def test_any_other_rule_is_refused_by_its_part(text: str, part: str, words: str) -> None:
    with pytest.raises(InvalidRecurrenceRule, match=words.replace("+", r"\+")) as refused:
        parse_rule(text)
    assert refused.value.params == {"part": part}


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "BYMONTHDAY"),
        ("FREQ=DAILY;BYMONTH=4,6;BYMONTHDAY=-31", "BYMONTHDAY"),
        ("FREQ=WEEKLY;BYDAY=MO,TU;BYSETPOS=3", "BYSETPOS"),
        ("FREQ=DAILY;BYDAY=MO;BYSETPOS=2", "BYSETPOS"),
        ("FREQ=MONTHLY;BYDAY=MO;BYSETPOS=32", "BYSETPOS"),
    ],
)
def test_a_rule_without_any_day_is_refused(text: str, part: str) -> None:
    with pytest.raises(RecurrenceNeverOccurs) as refused:
        parse_rule(text)
    assert refused.value.params == {"part": part}


def test_what_is_left_of_a_count_stands_in_the_rule() -> None:
    assert with_count("FREQ=DAILY;COUNT=10;INTERVAL=2", 9) == "FREQ=DAILY;COUNT=9;INTERVAL=2"


def test_numbers_have_bounds() -> None:
    assert (MAX_INTERVAL, MAX_COUNT) == (999, 9_999)
