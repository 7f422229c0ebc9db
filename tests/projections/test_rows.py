"""The factory of rows: its defaults are valid for every projection."""

import msgspec
import pytest

from projections.project_list import ProjectRow
from projections.projection import all_projections
from projections.tsvector import TsVector
from tests.projections.rows import build_row


@pytest.mark.parametrize("name", all_projections())
def test_default_rows_are_valid(name: str) -> None:
    row_type = all_projections()[name].row_type
    row = build_row(row_type)
    assert msgspec.convert(msgspec.to_builtins(row, builtin_types=(TsVector,)), row_type) == row


def test_given_fields_are_kept() -> None:
    row = build_row(ProjectRow, name="Home", wip="refuse")
    assert (row.name, row.wip) == ("Home", "refuse")


def test_an_unknown_field_is_refused() -> None:
    with pytest.raises(TypeError, match="ProjectRow has no fields"):
        build_row(ProjectRow, title="Home")
