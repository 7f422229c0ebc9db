"""A project: its columns, and the reservation of its key."""

import msgspec
import pytest

from domain.column import DEFAULT_COLUMNS, Column
from domain.event import Change, fold
from domain.project import (
    ColumnsSet,
    FormerName,
    Project,
    ProjectCreated,
    ProjectKey,
    ProjectKeyReserved,
    project_key_stream_id,
)
from tests.examples import OTHER_WORKSPACE, PROJECT, WORKSPACE

PROJECT_STATE = Project(WORKSPACE, "Household", "HOME", DEFAULT_COLUMNS)


@pytest.mark.parametrize("wanted", ["doing", "In progress", "in PROGRESS"])
def test_a_column_is_found_by_id_and_by_name_in_any_case(wanted: str) -> None:
    assert PROJECT_STATE.find_column(wanted) == DEFAULT_COLUMNS[1]


@pytest.mark.parametrize("wanted", ["", "DOING", "Inprogress", "progress"])
def test_a_column_is_not_found_by_anything_else(wanted: str) -> None:
    assert PROJECT_STATE.find_column(wanted) is None


def test_an_id_goes_before_a_name_that_reads_like_it() -> None:
    columns = (Column("doing", "Done"), Column("done", "Finished"))
    assert msgspec.structs.replace(PROJECT_STATE, columns=columns).find_column("done") == columns[1]


def test_a_removed_column_is_remembered_until_it_is_restored() -> None:
    def after(*sets: tuple[Column, ...]) -> Project | None:
        changes = [ColumnsSet(Change(DEFAULT_COLUMNS, columns), Change("warn", "warn")) for columns in sets]
        return fold(Project, [ProjectCreated(WORKSPACE, "Household", "HOME", DEFAULT_COLUMNS), *changes])

    assert after(DEFAULT_COLUMNS[:1]) == msgspec.structs.replace(
        PROJECT_STATE,
        columns=DEFAULT_COLUMNS[:1],
        removed=("doing", "done"),
        former_names=(FormerName("in progress", "doing"), FormerName("done", "done")),
    )
    assert after(DEFAULT_COLUMNS[:1], DEFAULT_COLUMNS[:2]) == msgspec.structs.replace(
        PROJECT_STATE,
        columns=DEFAULT_COLUMNS[:2],
        removed=("done",),
        former_names=(FormerName("done", "done"),),
    )


def test_a_key_belongs_to_the_project_that_reserved_it_first() -> None:
    assert fold(ProjectKey, [ProjectKeyReserved("HOME", PROJECT)]) == ProjectKey(PROJECT)


def test_a_key_stream_is_per_workspace() -> None:
    assert project_key_stream_id(WORKSPACE, "HOME") == project_key_stream_id(WORKSPACE, "HOME")
    assert (
        len(
            {
                project_key_stream_id(WORKSPACE, "HOME"),
                project_key_stream_id(WORKSPACE, "WORK"),
                project_key_stream_id(OTHER_WORKSPACE, "HOME"),
            }
        )
        == 3
    )
    assert project_key_stream_id(WORKSPACE, "HOME").version == 5
