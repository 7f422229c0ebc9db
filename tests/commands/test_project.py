"""What may be asked of a project."""

from uuid import UUID

import msgspec
import pytest

from commands.command import Elsewhere
from commands.project import CreateProject
from domain.errors import IdTaken, NotFound, ProjectKeyTaken, VersionConflict
from domain.project import BOARD, ProjectCreated, ProjectKeyReserved, key_of
from tests.examples import (
    BOB,
    OTHER_PROJECT,
    OTHER_WORKSPACE,
    PROJECT,
    TASK,
    WORKSPACE,
    member,
    project,
    task,
    workspace,
)
from tests.given import given

CREATE = CreateProject(workspace_id=WORKSPACE, name="Household", key="HOME")


def test_a_project_is_opened_with_a_board_and_its_key_reserved() -> None:
    given(workspace()).when(CREATE).then(
        Elsewhere(key_of(WORKSPACE, "HOME"), ProjectKeyReserved("HOME", PROJECT)),
        ProjectCreated(WORKSPACE, "Household", "HOME", BOARD),
    )


def test_a_member_opens_a_project_too() -> None:
    given(workspace(), member(BOB)).when(CREATE, by=BOB).then(
        Elsewhere(key_of(WORKSPACE, "HOME"), ProjectKeyReserved("HOME", PROJECT)),
        ProjectCreated(WORKSPACE, "Household", "HOME", BOARD),
    )


def test_two_projects_of_a_workspace_do_not_share_a_key() -> None:
    given(workspace(), project()).when(CREATE, on=OTHER_PROJECT).then_refused(ProjectKeyTaken, key="HOME")


def test_projects_of_two_workspaces_may_share_a_key() -> None:
    elsewhere = project(OTHER_PROJECT, "HOME", OTHER_WORKSPACE)
    given(workspace(), workspace(OTHER_WORKSPACE), elsewhere).when(CREATE).then(
        Elsewhere(key_of(WORKSPACE, "HOME"), ProjectKeyReserved("HOME", PROJECT)),
        ProjectCreated(WORKSPACE, "Household", "HOME", BOARD),
    )


def test_a_project_is_not_opened_twice() -> None:
    given(workspace(), project()).when(CREATE).then_refused(IdTaken)


def test_a_project_is_not_opened_where_there_is_no_workspace() -> None:
    given().when(CREATE).then_refused(NotFound)


@pytest.mark.parametrize("place", [None, PROJECT, TASK])
def test_a_project_is_not_opened_in_what_is_no_workspace(place: UUID | None) -> None:
    elsewhere = msgspec.structs.replace(CREATE, workspace_id=place)
    given(workspace(), project(), task()).when(elsewhere, on=OTHER_PROJECT).then_refused(NotFound)


def test_a_stranger_finds_no_workspace_to_open_a_project_in() -> None:
    given(workspace()).when(CREATE, by=BOB).then_refused(NotFound)
    given(workspace(), member(BOB, workspace_id=OTHER_WORKSPACE)).when(CREATE, by=BOB).then_refused(NotFound)


def test_a_project_is_not_opened_where_another_was_seen() -> None:
    begins = msgspec.structs.replace(CREATE, expected_version=2)
    given(workspace()).when(begins).then_refused(VersionConflict, expected_version=2, current_version=0)


def test_a_member_of_one_workspace_is_not_shown_the_project_of_another() -> None:
    begins = msgspec.structs.replace(CREATE, workspace_id=OTHER_WORKSPACE, key="SPY", expected_version=0)
    bobs = workspace(OTHER_WORKSPACE, owner=BOB)
    refusal = given(workspace(), project(), bobs).when(begins, by=BOB).then_refused(IdTaken)
    assert refusal.params == {}
