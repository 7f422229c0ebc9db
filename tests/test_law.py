"""Laws: what a failure shows, and that a planted defect is not searched for its smallest example."""

import pytest
from hypothesis import strategies as st

from tests.law import law, planted_defect

_seen: list[int] = []


@law(st.integers(0, 1_000), examples=200)
def _no_number_is_large(number: int) -> None:
    _seen.append(number)
    assert number < 10


def test_a_failure_shows_the_smallest_counterexample() -> None:
    with pytest.raises(AssertionError) as raised:
        _no_number_is_large()
    assert raised.value.__notes__[0] == "Counterexample of _no_number_is_large: number=10"


def test_under_a_planted_defect_the_first_failure_ends_the_law() -> None:
    _seen.clear()
    with planted_defect(), pytest.raises(AssertionError):
        _no_number_is_large()
    assert len([number for number in _seen if number >= 10]) <= 3  # found, and run again to be shown
