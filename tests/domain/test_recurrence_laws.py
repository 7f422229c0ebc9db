"""The laws of recurrence hold."""

import pytest

from tests.domain import recurrence_laws

pytestmark = pytest.mark.slow


def test_the_days_of_a_rule_are_those_of_a_naive_reading() -> None:
    recurrence_laws.the_days_of_a_rule_are_those_of_a_naive_reading()


def test_a_series_completed_in_time_has_the_days_of_its_rule() -> None:
    recurrence_laws.a_series_completed_in_time_has_the_days_of_its_rule()


def test_an_overdue_instance_is_followed_by_the_first_after_now() -> None:
    recurrence_laws.an_overdue_instance_is_followed_by_the_first_after_now()


def test_a_daily_series_keeps_its_time_of_day_for_ten_years() -> None:
    recurrence_laws.a_daily_series_keeps_its_time_of_day_for_ten_years()
