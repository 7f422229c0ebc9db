"""Golden events: every event ever written, byte for byte as the log has it. Names of stored fields never change.

A file is written once, when its event is new (`golden/events/<StoredName>.json`, no line end), and never changed:
a new field has a default, so older events can still be decoded.
"""

import pytest

from tests.domain import event_laws
from tests.examples import EVERY_EVENT
from tests.strategies import EVENT_TYPES


def test_events_and_golden_files_match() -> None:
    event_laws.events_and_golden_files_match()


def test_golden_files_decode_and_encode_unchanged() -> None:
    event_laws.golden_files_decode_and_encode_unchanged()


def test_golden_files_of_retired_events_are_upcast() -> None:
    event_laws.golden_files_of_retired_events_are_upcast()


def test_there_is_an_example_of_every_event() -> None:
    assert sorted(type(event).__name__ for event in EVERY_EVENT) == sorted(EVENT_TYPES)


@pytest.mark.parametrize("name", sorted(EVENT_TYPES))
def test_a_stored_event_names_itself(name: str) -> None:
    assert event_laws.golden_bytes(name).startswith(b'{"type":"' + name.encode() + b'",')
