"""Fingerprints: a fold that changes needs a new version; a new event type changes no other fold's fingerprint."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from domain import codec
from domain.event import OpaqueEvent, RecordedEvent
from domain.label import LabelColoured
from domain.saved_filter import FilterSaved
from domain.task import TaskAssigned
from domain.upcasts import UPCASTS
from projections import activity, fingerprint, label_list, saved_filter_list, task_list
from projections.engine import folding
from projections.projection import Projection, all_projections
from scripts.golden import GOLDEN_DIGESTS_FILE
from tests.law import planted_defect
from tests.strategies import EVENT_TYPES


def recorded_digests() -> dict[str, dict[int, dict[int, str]]]:
    return msgspec.json.decode(GOLDEN_DIGESTS_FILE.read_bytes(), type=dict[str, dict[int, dict[int, str]]])


def digests_match_the_golden_file() -> None:
    recorded, total = recorded_digests(), len(fingerprint.golden_history())
    assert recorded.keys() == all_projections().keys()
    for name, projection in all_projections().items():
        digests = recorded[name].get(projection.version, {})
        line_counts = sorted({projection.golden_lines, total, *digests})
        current = {count: fingerprint.digest(replace(projection, golden_lines=count)) for count in line_counts}
        changed = {count: digest for count, digest in digests.items() if current[count] != digest}
        assert digests, f"{name} has a new version: {advice(projection.version)}"
        assert not changed, (
            f"{name} folds the golden histories to something else: "
            f"if that is meant, count its version up: {advice(projection.version + 1)}"
        )
        assert digests == current, f"golden lines were added, and {name} unchanged: run `python -m scripts.golden`"
        assert projection.golden_lines == min(digests), f"golden_lines of {name} changes only with its version"
        before = recorded[name].get(projection.version - 1, {0: ""})
        assert projection.golden_lines >= max(before), f"golden_lines of {name} is older than its version"


def advice(version: int) -> str:
    total = len(fingerprint.golden_history())
    return f"set version {version} and golden_lines={total}, and run `python -m scripts.golden`"


def later_events_are_parked_or_folded_alike_by_older_code() -> None:
    """Older code of the same fingerprint may know only the event types of the lines that the fingerprint covers."""
    history = fingerprint.golden_history()
    for name, projection in all_projections().items():
        known = {type(one.event) for one in history[: projection.golden_lines]}
        as_older_code_reads_it = [one if type(one.event) in known else made_opaque(one) for one in history]
        (ours, _), (theirs, parked) = (
            ({change.key: change.after for change in folded.changes}, {one.document for one in folded.parked})
            for folded in (
                folding.fold_documents(projection, folding.events_by_document(projection, events, 0, 1), {})
                for events in (history, as_older_code_reads_it)
            )
        )
        lost = [
            key for key in ours.keys() | theirs.keys() if ours.get(key) != theirs.get(key) and str(key) not in parked
        ]
        assert not lost, (
            f"older code that shares the build of {name} would lose events of {len(lost)} documents without parking "
            f"them: count its version up: {advice(projection.version + 1)}"
        )


def made_opaque(recorded: RecordedEvent) -> RecordedEvent:
    event = OpaqueEvent(codec.stored_name_of(recorded.event), codec.encode(recorded.event))
    return replace(recorded, event=event)


def test_digests_change_only_with_the_version() -> None:
    digests_match_the_golden_file()


def test_older_code_may_share_every_build() -> None:
    later_events_are_parked_or_folded_alike_by_older_code()


@pytest.mark.parametrize("field", ["title", "version", "updated_at"])
def test_a_fold_that_changed_is_noticed(field: str, monkeypatch: pytest.MonkeyPatch) -> None:
    fold = task_list.projection.fold

    def other(
        key: object, row: task_list.StoredTaskRow | None, recorded: RecordedEvent
    ) -> task_list.StoredTaskRow | None:
        after = fold(key, row, recorded)
        broken = {"title": "!", "version": 0, "updated_at": datetime.min.replace(tzinfo=UTC)}[field]
        return replace(after, **{field: broken}) if after else None

    monkeypatch.setitem(all_projections(), "task_list", replace(task_list.projection, fold=other))
    with planted_defect(), pytest.raises(AssertionError, match="count its version up"):
        digests_match_the_golden_file()


def test_an_index_that_changed_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(all_projections(), "task_list", replace(task_list.projection, indexes=()))
    with planted_defect(), pytest.raises(AssertionError, match="count its version up"):
        digests_match_the_golden_file()


@pytest.fixture
def _longer_history(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The golden histories of a later release, which has a new event."""
    history = fingerprint.golden_history()
    last = next(one for one in reversed(history) if one.workspace_id)
    new = replace(last, position=len(history) + 1, event=OpaqueEvent("TaskApplauded", b"{}"))
    monkeypatch.setattr(fingerprint, "golden_history", lambda: (*history, new))
    fingerprint.digest.cache_clear()
    yield
    fingerprint.digest.cache_clear()


def digests_over_all_lines() -> dict[str, str]:
    total = len(fingerprint.golden_history())
    return {name: fingerprint.digest(replace(one, golden_lines=total)) for name, one in all_projections().items()}


@pytest.mark.usefixtures("_longer_history")
def test_a_new_event_changes_no_fingerprint() -> None:
    for name, projection in all_projections().items():
        assert fingerprint.digest(projection) == recorded_digests()[name][projection.version][projection.golden_lines]
    assert digests_over_all_lines()["activity"] != fingerprint.digest(activity.projection)


@pytest.mark.usefixtures("_longer_history")
def test_golden_lines_that_were_added_have_to_be_recorded() -> None:
    with planted_defect(), pytest.raises(AssertionError, match="golden lines were added"):
        digests_match_the_golden_file()


@pytest.mark.usefixtures("_longer_history")
def test_a_fold_of_a_later_line_that_changed_is_noticed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The fingerprint covers fewer lines; the line was released all the same."""
    recorded = recorded_digests()
    for name, digest in digests_over_all_lines().items():
        recorded[name][all_projections()[name].version][len(fingerprint.golden_history())] = digest
    released = tmp_path / "projections.json"
    released.write_bytes(msgspec.json.encode(recorded))
    monkeypatch.setattr("tests.projections.test_fingerprint.GOLDEN_DIGESTS_FILE", released)
    digests_match_the_golden_file()

    def other(key: int, row: activity.ActivityRow | None, recorded: RecordedEvent) -> activity.ActivityRow | None:
        return None if isinstance(recorded.event, OpaqueEvent) else activity.fold(key, row, recorded)

    changed = replace(activity.projection, fold=other)
    assert fingerprint.digest(changed) == fingerprint.digest(activity.projection)
    monkeypatch.setitem(all_projections(), "activity", changed)
    with planted_defect(), pytest.raises(AssertionError, match="count its version up"):
        digests_match_the_golden_file()


def lines_before(event: type) -> int:
    """The number of golden lines before the first event of this type."""
    return next(one.position for one in fingerprint.golden_history() if type(one.event) is event) - 1


@pytest.mark.parametrize(
    ("projection", "lines"),
    [(task_list.projection, lines_before(TaskAssigned)), (activity.projection, 207)],
    ids=["parked", "accepted"],
)
def test_older_code_may_share_a_build_if_it_parks_or_accepts_the_event(
    projection: Projection[Any], lines: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    older = replace(projection, golden_lines=lines)
    monkeypatch.setitem(all_projections(), projection.name, older)
    later_events_are_parked_or_folded_alike_by_older_code()


@pytest.mark.parametrize(
    ("projection", "event"), [(label_list.projection, LabelColoured), (saved_filter_list.projection, FilterSaved)]
)
def test_an_event_that_older_code_would_lose_is_noticed(
    projection: Projection[Any], event: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their keys, or their documents, begin with the event: older code has nothing to park."""
    older = replace(projection, golden_lines=lines_before(event))
    monkeypatch.setitem(all_projections(), projection.name, older)
    with planted_defect(), pytest.raises(AssertionError, match="would lose events"):
        later_events_are_parked_or_folded_alike_by_older_code()


def test_the_golden_histories_hold_every_event_ever_written() -> None:
    lines = [msgspec.json.decode(line) for line in fingerprint.GOLDEN_PATH.read_bytes().splitlines()]
    assert {line["type"] for line in lines} == EVENT_TYPES.keys() | UPCASTS.keys()
    for line in lines:
        assert codec.stored_name_of(codec.decode(line["type"], msgspec.json.encode(line["state"])))


def test_every_projection_has_rows_from_the_golden_lines_of_its_version() -> None:
    for projection in all_projections().values():
        covered = fingerprint.golden_history()[: projection.golden_lines]
        assert fingerprint.fold_history(projection, covered), projection.name
