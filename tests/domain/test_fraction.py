"""Fractions: between any two there is another, however often something is put there."""

from bisect import insort

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.fraction import DIGITS, fraction_between, spread_fractions


@given(st.lists(st.integers(0, 10_000), max_size=200))
def test_a_fraction_is_between_its_neighbours(places: list[int]) -> None:
    fractions = list[str]()
    for wanted in places:
        place = wanted % (len(fractions) + 1)
        low, high = fractions[place - 1] if place else "", fractions[place] if place < len(fractions) else None
        new = fraction_between(low, high)
        assert low < new, (low, new, high)
        assert high is None or new < high, (low, new, high)
        assert not new.endswith(DIGITS[0]), "nothing could be put before it"
        insort(fractions, new)


@pytest.mark.parametrize("count", [0, 1, 2, 61, 62, 63, 64, 5_000])
def test_spread_fractions_are_in_order_and_short(count: int) -> None:
    fractions = spread_fractions(count)
    assert fractions == sorted(set(fractions))
    assert len(fractions) == count
    assert all(fraction and not fraction.endswith(DIGITS[0]) for fraction in fractions)
    assert max(map(len, fractions), default=0) <= 3


def test_digits_are_in_the_order_of_their_code_points() -> None:
    assert list(DIGITS) == sorted(DIGITS)
