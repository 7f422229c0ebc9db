"""The codec: stored names and bytes, and how it treats unknown ones."""

import pytest

from domain import codec
from domain.errors import UnknownEvent
from domain.event import Change
from domain.task import TaskCompleted, TaskRenamed
from tests.examples import COMPLETED, RENAMED
from tests.strategies import EVENT_TYPES


def test_the_stored_name_is_the_class_name_for_the_event_and_its_class() -> None:
    assert codec.stored_name_of(RENAMED) == codec.stored_name_of(TaskRenamed) == "TaskRenamed"


def test_stored_names_are_unique() -> None:
    assert {name: kind.__name__ for name, kind in EVENT_TYPES.items()} == {
        kind.__name__: kind.__name__ for kind in set(EVENT_TYPES.values())
    }


def test_a_change_is_stored_as_a_pair_of_old_and_new() -> None:
    assert codec.encode(RENAMED) == b'{"type":"TaskRenamed","title":["Buy milk","Buy bread"]}'


def test_an_unknown_field_is_ignored() -> None:
    stored = b'{"type":"TaskRenamed","title":["a","b"],"reason":"a later version wrote it"}'
    assert codec.decode("TaskRenamed", stored) == TaskRenamed(Change("a", "b"))


def test_a_field_that_was_not_stored_yet_has_its_default() -> None:
    stored = codec.encode(COMPLETED).replace(b',"status":["open","done"]', b"")
    assert stored != codec.encode(COMPLETED)
    assert codec.decode("TaskCompleted", stored) == TaskCompleted(COMPLETED.project_id, COMPLETED.column)


@pytest.mark.parametrize(
    ("name", "stored"),
    [
        pytest.param("TaskBlessed", b'{"type":"TaskBlessed"}', id="a name of nothing"),
        pytest.param("", b"{}", id="no name"),
        pytest.param("Event", b'{"type":"Event"}', id="what is no event itself"),
        pytest.param("TaskRenamed", b"", id="no bytes"),
        pytest.param("TaskRenamed", b"null", id="null"),
        pytest.param("TaskRenamed", b'{"type":"TaskRenamed"}', id="a field missing"),
        pytest.param("TaskRenamed", b'{"type":"TaskRenamed","title":"b"}', id="a field of another type"),
        pytest.param("TaskRenamed", b'{"type":"TaskRenamed","title":["b"]}', id="half a pair"),
        pytest.param("TaskRenamed", b'{"type":"TaskDescribed","title":["a","b"]}', id="another event's bytes"),
        pytest.param("TaskRenamed", b'{"type":"TaskRenamed","title":["a","b"]', id="cut short"),
        pytest.param("TaskRenamed", b'{"type":"TaskRenamed","title":["a","b"]}}', id="something behind it"),
    ],
)
def test_an_unknown_type_decodes_to_an_unknown_event(name: str, stored: bytes) -> None:
    with pytest.raises(UnknownEvent) as unknown:
        codec.decode(name, stored)
    assert unknown.value.stored_name == name


@pytest.mark.parametrize(
    "stored",
    [
        pytest.param(b'{"type":"TaskRenamed","title":["a","\xff"]}', id="no UTF-8"),
        pytest.param(b'{"type":"TaskRenamed","title":["a","b"],"x":' + b"[" * 100_000, id="too deep"),
    ],
)
def test_garbage_in_the_log_is_an_unknown_event(stored: bytes) -> None:
    with pytest.raises(UnknownEvent):
        codec.decode("TaskRenamed", stored)
