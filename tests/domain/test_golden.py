"""Golden events: every event ever written, byte for byte as the log holds it. Names of stored fields are for ever.

A file is written once, when its event is new (`golden/events/<StoredName>.json`, no line end), and never changed:
a new field has a default, so what was stored before it is still read.
"""

import pytest

from tests.domain import laws
from tests.examples import EVERY_EVENT
from tests.strategies import KNOWN


def test_every_event_has_its_golden_file_and_every_golden_file_its_event() -> None:
    laws.every_event_has_its_golden_file_and_every_golden_file_its_event()


def test_every_golden_file_reads_as_it_did_and_is_written_the_same() -> None:
    laws.every_golden_file_reads_as_it_did_and_is_written_the_same()


def test_every_golden_file_of_an_event_that_is_no_longer_written_reads_as_one_that_is() -> None:
    laws.every_golden_file_of_an_event_that_is_no_longer_written_reads_as_one_that_is()


def test_there_is_an_example_of_every_event() -> None:
    assert sorted(type(event).__name__ for event in EVERY_EVENT) == sorted(KNOWN)


@pytest.mark.parametrize("name", sorted(KNOWN))
def test_a_stored_event_names_itself(name: str) -> None:
    assert laws.golden(name).startswith(b'{"type":"' + name.encode() + b'",')
