"""The task count of a column: the last recorded count."""

from domain.column import ColumnCount, ColumnCounted, column_stream_id
from domain.event import fold
from tests.examples import OTHER_PROJECT, PROJECT


def test_the_last_count_is_the_state() -> None:
    """The promise of `is_last_event_enough`: a reader of the last event alone gets the same state."""
    assert ColumnCount.is_last_event_enough
    for tasks in (3, None):
        counted = [ColumnCounted(None), ColumnCounted(7), ColumnCounted(tasks)]
        assert fold(ColumnCount, counted) == fold(ColumnCount, counted[-1:]) == ColumnCount(tasks)


def test_columns_are_counted_apart_on_streams_that_no_client_can_name() -> None:
    streams = {
        column_stream_id(project, column) for project in (PROJECT, OTHER_PROJECT) for column in ("todo", "doing")
    }
    assert len(streams) == 4
    assert {stream.version for stream in streams} == {5}
