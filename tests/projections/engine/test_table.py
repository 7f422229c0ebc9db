"""Rows are read as they were written, whatever the rows of a batch have in common."""

from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

import pytest
from hypothesis import strategies as st
from msgspec.structs import replace

from projections.engine import table
from projections.engine.connection import SyncConnection
from projections.engine.folding import DocumentChange, Step
from projections.engine.pipeline import Pipeline
from projections.task_list import StoredTaskRow
from tests.examples import fixed_uuid7
from tests.law import law
from tests.planted_defects import assert_check_fails
from tests.projections import oracle
from tests.projections.rows import build_row

VALUES: dict[str, Sequence[Any]] = {
    "title": ["Milk", "", 'a "b"', "[]"],
    "due": [None, "2026-12-01"],
    "labels": [(), ("Shop",)],
    "comments": [0, 3],
    "archived": [False, True],
    "blocked_by": [(), (fixed_uuid7(9),)],
    "fields": [{}, {"size": "large"}],
    "recurrence": [None],
}


def written_rows_law(database: SyncConnection) -> Callable[[], None]:
    build, varied = (
        oracle.serving_build(database, "task_list"),
        st.fixed_dictionaries({name: st.sampled_from(values) for name, values in VALUES.items()}),
    )

    def write(pipeline: Pipeline, old: dict[UUID, StoredTaskRow], new: dict[UUID, StoredTaskRow]) -> None:
        changed = [
            DocumentChange(key, old.get(key), row, [Step(oracle.FIRST_EVENT, row)])
            for key, row in new.items()
            if row != old.get(key)
        ]
        table.write_documents(pipeline, build, changed)
        stored = table.select_documents(pipeline, build, list(new))
        pipeline.sync()
        assert table.documents_by_key(build, stored) == new

    @law(st.lists(st.tuples(varied, varied), min_size=1, max_size=4), examples=60)
    def rows_are_read_as_written(drawn: list[tuple[dict[str, Any], dict[str, Any]]]) -> None:
        plain, pipeline = build_row(StoredTaskRow), Pipeline(database)
        before = {(key := fixed_uuid7(20_000 + at)): replace(plain, id=key, **one) for at, (one, _) in enumerate(drawn)}
        after = {key: replace(row, **changes) for (key, row), (_, changes) in zip(before.items(), drawn, strict=True)}
        with database.transaction(force_rollback=True):
            write(pipeline, {}, before)
            write(pipeline, before, after)
            write(pipeline, {}, before)

    return rows_are_read_as_written


def test_rows_are_read_as_written(database: SyncConnection) -> None:
    written_rows_law(database)()


def the_first_row_for_all(names: Sequence[str], rows: Sequence[Any]) -> tuple[str, str]:
    first, _ = _ENCODED(names, rows[:1])
    return first, str([{"id": str(row[0])} for row in rows]).replace("'", '"')


_ENCODED = table._encoded_rows  # noqa: SLF001 - the defect belongs in this function


def test_a_value_taken_for_common_is_noticed(database: SyncConnection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "_encoded_rows", the_first_row_for_all)
    assert_check_fails(written_rows_law(database))
