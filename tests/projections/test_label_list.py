"""The label list, compared with a dictionary that is updated without streams and events."""

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from domain.event import Change, Event, OpaqueEvent, RecordedEvent
from domain.label import LabelColoured, label_stream_id
from domain.task import TaskLabelled
from projections.fingerprint import fold_history
from projections.label_list import LabelRow, keys, projection
from tests.examples import ADA, COMMAND_ID, CREATED, OTHER_WORKSPACE, TASK, WORKSPACE
from tests.given import OCCURRED_AT
from tests.projections.rows import build_row

Use = tuple[UUID, str, str | None]
"""A workspace, a label, and its new colour; None: a task is labelled."""
NAMES = st.sampled_from(["shop", "Shop", "SHOP", "Straße", "STRASSE", "soon"])
USES = st.lists(st.tuples(st.sampled_from([WORKSPACE, OTHER_WORKSPACE]), NAMES, st.sampled_from([None, "a", "b"])))


def recorded(position: int, event: Event, workspace: UUID = WORKSPACE) -> RecordedEvent:
    stream = label_stream_id(workspace, event.name) if isinstance(event, LabelColoured) else TASK
    return RecordedEvent(position, stream, 1, event, ADA, COMMAND_ID, workspace, OCCURRED_AT, OCCURRED_AT)


@given(USES)
def test_a_label_is_listed_once_with_first_spelling_and_last_colour(uses: list[Use]) -> None:
    history, names, colours = list[RecordedEvent](), dict[tuple[UUID, str], str](), dict[tuple[UUID, str], str]()
    for position, (workspace, name, colour) in enumerate(uses, 1):
        this = workspace, name.casefold()
        event: Event = TaskLabelled(name, Change((), (name,)))
        if colour:
            event = LabelColoured(name, Change(colours.get(this), colour))
            colours[this] = colour
        names.setdefault(this, name)
        history.append(recorded(position, event, workspace))
    shown = {(row.workspace_id, row.name): row.colour for row in fold_history(projection, history).values()}
    assert shown == {(this[0], name): colours.get(this) for this, name in names.items()}


def test_a_label_in_two_cases_on_one_task_is_listed_once() -> None:
    created = replace(CREATED, labels=("Shop", "SHOP", "soon"))
    rows = fold_history(projection, [recorded(1, created)])
    assert rows == {
        label_stream_id(WORKSPACE, name): build_row(
            LabelRow, id=label_stream_id(WORKSPACE, name), workspace_id=WORKSPACE, name=name, version=0
        )
        for name in ("Shop", "soon")
    }


def test_unknown_events_of_a_label_stream_concern_its_label() -> None:
    assert list(keys(recorded(1, OpaqueEvent("LabelBlessed", b"{}")))) == [TASK]
