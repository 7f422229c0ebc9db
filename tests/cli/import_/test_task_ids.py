"""The ids of imported tasks never change: a file that was imported years ago is recognized."""

from uuid import UUID

import pytest

from cli.import_.rows import Row
from cli.import_.task_ids import task_id
from tests.cli.import_.planned_import import plan
from tests.examples import PROJECT


@pytest.mark.parametrize(
    ("row", "id_and_title", "occurrence", "expected"),
    [
        (Row("[0]", {}), (1, "A"), 1, "ec8a17d2-a127-8cfa-9874-103b4207bff5"),
        (
            Row("[0]", {}, 'Höme "x"', ("Party", "Cake")),
            ("é-1", "Молоко \\"),
            3,
            "9757cb66-9d1c-83a0-83cb-8392373ee186",
        ),
        (Row("[0]", {}, "home"), (None, "A"), 2, "7d4251f6-e1e4-8e80-b8db-b8039befcaec"),
    ],
)
def test_a_row_has_the_id_that_it_always_had(
    row: Row, id_and_title: tuple[object, str], occurrence: int, expected: str
) -> None:
    assert task_id(UUID(int=7), row, id_and_title, occurrence) == UUID(expected)


def test_rows_that_differ_in_any_part_of_their_identity_have_ids_of_their_own() -> None:
    lists = {"a": [{"id": 1, "title": "x", "done": True}], "b": [{"id": 1, "title": "y", "done": True}]}
    ids = [task.id for task in plan(lists).tasks.values()]
    assert len(set(ids)) == len(ids) == 2
    assert task_id(PROJECT, Row("", {}, "a"), (1, "x"), 1) == ids[0]
