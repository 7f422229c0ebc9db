"""The laws of the domain can fail: a planted defect turns each of them red."""

import pytest

from tests import planted_defects
from tests.domain import event_laws
from tests.planted_defects import assert_check_fails


def test_an_evolve_that_drops_a_change_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    planted_defects.an_evolve_that_drops_a_change(monkeypatch)
    assert_check_fails(event_laws.exactly_the_changed_fields_are_set)


def test_an_evolve_that_validates_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    planted_defects.an_evolve_that_validates(monkeypatch)
    assert_check_fails(event_laws.evolving_never_raises)


def test_a_codec_that_loses_a_field_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    planted_defects.a_codec_that_loses_a_field(monkeypatch)
    assert_check_fails(event_laws.the_codec_round_trips)
    assert_check_fails(event_laws.golden_files_decode_and_encode_unchanged)


def test_a_stored_name_that_changed_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    planted_defects.a_stored_name_that_changed(monkeypatch)
    assert_check_fails(event_laws.events_and_golden_files_match)


def test_a_stored_field_that_was_renamed_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    planted_defects.a_stored_field_that_was_renamed(monkeypatch)
    assert_check_fails(event_laws.golden_files_decode_and_encode_unchanged)
