"""Fingerprints: a projection that answers otherwise than before has another version, or these tests are red."""

from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from domain import codec
from domain.event import RecordedEvent
from domain.upcasts import UPCASTS
from projections import fingerprint, task_list
from projections.projection import all_projections
from tests.law import planted_defect
from tests.strategies import EVENT_TYPES

GOLDEN_DIGESTS = Path(__file__).parent.parent / "golden" / "projections.json"
"""For each projection its versions so far, each with the digest that it had when it was released."""


def digests_match_the_golden_file() -> None:
    kept: dict[str, dict[str, str]] = msgspec.json.decode(GOLDEN_DIGESTS.read_bytes())
    assert kept.keys() == all_projections().keys()
    for name, projection in all_projections().items():
        digest = fingerprint.digest(projection)
        assert kept[name].get(str(projection.version)) == digest, (
            f"{name} folds the golden histories to something else: if that is meant, count its version up, and keep "
            f'"{projection.version + 1}": the digest that this test tells then, beside those before it'
        )


def test_digests_change_only_with_the_version() -> None:
    digests_match_the_golden_file()


@pytest.mark.parametrize("field", ["title", "version", "updated_at"])
def test_a_fold_that_changed_is_noticed(field: str, monkeypatch: pytest.MonkeyPatch) -> None:
    fold = task_list.projection.fold

    def other(
        key: object, row: task_list.StoredTaskRow | None, recorded: RecordedEvent
    ) -> task_list.StoredTaskRow | None:
        after = fold(key, row, recorded)
        spoilt = {"title": "!", "version": 0, "updated_at": datetime.min.replace(tzinfo=UTC)}[field]
        return msgspec.structs.replace(after, **{field: spoilt}) if after else None

    changed = msgspec.structs.replace(task_list.projection, fold=other)
    monkeypatch.setitem(all_projections(), "task_list", changed)
    with planted_defect(), pytest.raises(AssertionError, match="count its version up"):
        digests_match_the_golden_file()


def test_an_index_that_changed_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(all_projections(), "task_list", msgspec.structs.replace(task_list.projection, indexes=()))
    with planted_defect(), pytest.raises(AssertionError, match="count its version up"):
        digests_match_the_golden_file()


def test_the_golden_histories_hold_every_event_ever_written() -> None:
    lines = [msgspec.json.decode(line) for line in fingerprint.GOLDEN_PATH.read_bytes().splitlines()]
    assert {line["type"] for line in lines} == EVENT_TYPES.keys() | UPCASTS.keys()
    for line in lines:
        assert codec.stored_name_of(codec.decode(line["type"], msgspec.json.encode(line["state"])))


def test_every_projection_has_rows_from_the_golden_histories() -> None:
    for projection in all_projections().values():
        assert fingerprint.fold_history(projection, fingerprint.golden_history()), projection.name
