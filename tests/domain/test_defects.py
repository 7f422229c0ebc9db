"""The laws of the domain can fail: a planted defect turns each of them red."""

import pytest

from tests import defects
from tests.defects import noticed
from tests.domain import laws


def test_an_evolve_that_drops_a_change_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    defects.an_evolve_that_drops_a_change(monkeypatch)
    noticed(laws.exactly_the_changed_fields_are_set)


def test_an_evolve_that_has_rules_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    defects.an_evolve_that_has_rules(monkeypatch)
    noticed(laws.evolving_never_raises)


def test_a_codec_that_loses_a_field_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    defects.a_codec_that_loses_a_field(monkeypatch)
    noticed(laws.the_codec_gives_back_what_it_was_given)
    noticed(laws.every_golden_file_reads_as_it_did_and_is_written_the_same)


def test_a_stored_name_that_changed_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    defects.a_stored_name_that_changed(monkeypatch)
    noticed(laws.every_event_has_its_golden_file_and_every_golden_file_its_event)


def test_a_stored_field_that_was_renamed_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    defects.a_stored_field_that_was_renamed(monkeypatch)
    noticed(laws.every_golden_file_reads_as_it_did_and_is_written_the_same)
