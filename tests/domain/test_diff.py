"""A diff of two states: applied to the first, it gives the second, and that of a state and itself is empty."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest
from hypothesis import strategies as st

from domain import diff
from domain.diff import FieldChange, compare, flatten
from tests.law import law
from tests.planted_defects import assert_check_fails

_values = st.none() | st.integers(0, 3) | st.sampled_from(["Milk", "Bread"]) | st.lists(st.integers(0, 1), max_size=2)
_states = st.none() | st.dictionaries(st.sampled_from(["title", "due", "labels", "fields.Size"]), _values)


@law(_states, _states, examples=300)
def the_first_state_becomes_the_second(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> None:
    applied = diff.apply(before, compare(before, after, {}))
    assert without_nulls(applied) == without_nulls(after or {})


def without_nulls(state: Mapping[str, Any]) -> Mapping[str, Any]:
    return {name: value for name, value in state.items() if value is not None}


@law(_states, examples=100)
def a_state_does_not_differ_from_itself(state: Mapping[str, Any] | None) -> None:
    assert state is None or compare(state, dict(state), {}) == []


@pytest.mark.parametrize("check", [the_first_state_becomes_the_second, a_state_does_not_differ_from_itself])
def test_the_laws_of_diffs_hold(check: Callable[[], None]) -> None:
    check()


def test_fields_that_go_are_noticed_when_they_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    def apply(state: Mapping[str, Any] | None, changes: Sequence[FieldChange]) -> Mapping[str, Any]:
        return {**(state or {}), **{one.field: one.new for one in changes if one.new is not None}}

    monkeypatch.setattr(diff, "apply", apply)
    assert_check_fails(the_first_state_becomes_the_second)


def test_each_field_has_the_positions_of_its_changes() -> None:
    found = compare({"title": "Milk", "due": None}, {"title": "Oats", "due": None}, {"title": [3, 7], "due": [4, 5]})
    assert found == [FieldChange("title", "Milk", "Oats", [3, 7])]


def test_of_what_is_added_all_fields_are_there() -> None:
    assert compare(None, {"title": "Oats", "due": None}, {"title": [3]}) == [
        FieldChange("title", None, "Oats", [3]),
        FieldChange("due", None, None, ()),
    ]


def test_the_members_of_a_map_are_fields() -> None:
    assert flatten({"title": "Milk", "fields": {"Size": 3}}, ["fields"]) == {"title": "Milk", "fields.Size": 3}
