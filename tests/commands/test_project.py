"""Commands on a project."""

from typing import Any
from uuid import UUID

import msgspec
import pytest

from commands.column import ColumnSpec, SetColumns
from commands.command import Command, OtherStreamEvent
from commands.project import ArchiveProject, CreateProject, EditProject, RestoreProject
from commands.trash import PurgeProject, TrashProject
from domain.column import NEW_BOARD_COLUMNS
from domain.errors import (
    Forbidden,
    IdTaken,
    NotFound,
    NotTrashed,
    ProjectIsArchived,
    ProjectIsTrashed,
    ProjectKeyTaken,
    Purged,
    VersionConflict,
    VersionRequired,
)
from domain.event import Change, Event
from domain.project import (
    ProjectArchived,
    ProjectCreated,
    ProjectKeyReserved,
    ProjectPurged,
    ProjectRenamed,
    ProjectRestored,
    project_key_stream_id,
)
from tests.examples import (
    BOB,
    OTHER_PROJECT,
    OTHER_WORKSPACE,
    PROJECT,
    PROJECT_RESTORED,
    PROJECT_TRASHED,
    TASK,
    WORKSPACE,
    Facts,
    member,
    project,
    task,
    workspace,
)
from tests.given import Given, given

EDIT = EditProject(name="Garden", expected_version=1)
TRASH = TrashProject(expected_version=1)
COLUMNS = SetColumns(columns=(ColumnSpec(name="Only"),), expected_version=1)
ON_A_PROJECT = [EDIT, TRASH, ArchiveProject(), RestoreProject(), COLUMNS]
CREATE = CreateProject(workspace_id=WORKSPACE, name="Household", key="HOME")


def test_a_project_is_opened_with_a_board_and_its_key_reserved() -> None:
    given(workspace()).when(CREATE).then(
        OtherStreamEvent(project_key_stream_id(WORKSPACE, "HOME"), ProjectKeyReserved("HOME", PROJECT)),
        ProjectCreated(WORKSPACE, "Household", "HOME", NEW_BOARD_COLUMNS),
    )


def test_a_member_opens_a_project_too() -> None:
    given(workspace(), member(BOB)).when(CREATE, actor=BOB).then(
        OtherStreamEvent(project_key_stream_id(WORKSPACE, "HOME"), ProjectKeyReserved("HOME", PROJECT)),
        ProjectCreated(WORKSPACE, "Household", "HOME", NEW_BOARD_COLUMNS),
    )


def test_two_projects_of_a_workspace_do_not_share_a_key() -> None:
    given(workspace(), project()).when(CREATE, on=OTHER_PROJECT).then_refused(ProjectKeyTaken, key="HOME")


def test_projects_of_two_workspaces_may_share_a_key() -> None:
    elsewhere = project(OTHER_PROJECT, "HOME", OTHER_WORKSPACE)
    given(workspace(), workspace(OTHER_WORKSPACE), elsewhere).when(CREATE).then(
        OtherStreamEvent(project_key_stream_id(WORKSPACE, "HOME"), ProjectKeyReserved("HOME", PROJECT)),
        ProjectCreated(WORKSPACE, "Household", "HOME", NEW_BOARD_COLUMNS),
    )


def test_a_project_is_not_opened_twice() -> None:
    given(workspace(), project()).when(CREATE).then_refused(IdTaken)


def test_a_project_in_an_unknown_workspace_is_not_found() -> None:
    given().when(CREATE).then_refused(NotFound)


@pytest.mark.parametrize("place", [None, PROJECT, TASK])
def test_a_project_needs_the_id_of_a_workspace(place: UUID | None) -> None:
    elsewhere = msgspec.structs.replace(CREATE, workspace_id=place)
    given(workspace(), project(), task()).when(elsewhere, on=OTHER_PROJECT).then_refused(NotFound)


def test_a_non_member_gets_not_found() -> None:
    given(workspace()).when(CREATE, actor=BOB).then_refused(NotFound)
    given(workspace(), member(BOB, workspace_id=OTHER_WORKSPACE)).when(CREATE, actor=BOB).then_refused(NotFound)


def test_creating_on_a_version_other_than_zero_is_a_conflict() -> None:
    begins = msgspec.structs.replace(CREATE, expected_version=2)
    given(workspace()).when(begins).then_refused(VersionConflict, expected_version=2, current_version=0)


def test_a_member_of_one_workspace_is_not_shown_the_project_of_another() -> None:
    begins = msgspec.structs.replace(CREATE, workspace_id=OTHER_WORKSPACE, key="SPY", expected_version=0)
    bobs = workspace(OTHER_WORKSPACE, owner=BOB)
    refusal = given(workspace(), project(), bobs).when(begins, actor=BOB).then_refused(IdTaken)
    assert refusal.params == {}


def row_id(command: object) -> str:
    return type(command).__name__


def given_project(*later: Event) -> Given:
    """Ada's project, and its later events."""
    happened: Facts = [(PROJECT, event) for event in later]
    return given(workspace(), project(), happened)


def test_a_project_gets_another_name() -> None:
    given_project().when(EDIT).then(ProjectRenamed(Change("Household", "Garden")))
    given_project().when(EditProject(name="Household", expected_version=1)).then_nothing()
    given_project().when(EditProject(expected_version=1)).then_nothing()


def test_a_project_is_archived_and_restored() -> None:
    given_project().when(ArchiveProject()).then(ProjectArchived())
    given_project(ProjectArchived()).when(ArchiveProject()).then_nothing()
    back = ProjectRestored(trashed=Change(old=False, new=False), archived=Change(old=True, new=False))
    given_project(ProjectArchived()).when(RestoreProject()).then(back)
    given_project().when(RestoreProject()).then_nothing()


def test_a_project_is_trashed_and_restored() -> None:
    given_project().when(TRASH).then(PROJECT_TRASHED)
    given_project(PROJECT_TRASHED).when(TrashProject(expected_version=2)).then_nothing()
    given_project(PROJECT_TRASHED).when(RestoreProject()).then(PROJECT_RESTORED)


def test_a_project_is_restored_from_archive_and_trash_at_once() -> None:
    """Otherwise a repeated command would write more events."""
    back = ProjectRestored(trashed=Change(old=True, new=False), archived=Change(old=True, new=False))
    given_project(ProjectArchived(), PROJECT_TRASHED).when(RestoreProject(), RestoreProject()).then(back)


def test_a_project_in_the_trash_is_purged_and_no_other() -> None:
    given_project(PROJECT_TRASHED).when(PurgeProject(expected_version=2)).then(ProjectPurged())
    given_project().when(PurgeProject(expected_version=1)).then_refused(NotTrashed)
    again = given_project(PROJECT_TRASHED, PROJECT_RESTORED, PROJECT_TRASHED)
    again.when(PurgeProject(expected_version=2)).then_refused(VersionConflict)


@pytest.mark.parametrize("command", [EDIT, COLUMNS], ids=row_id)
def test_an_archived_or_trashed_project_is_read_only(command: Command[Any]) -> None:
    seen = msgspec.structs.replace(command, expected_version=2)
    given_project(ProjectArchived()).when(seen).then_refused(ProjectIsArchived)
    given_project(PROJECT_TRASHED).when(seen).then_refused(ProjectIsTrashed)
    given_project(PROJECT_TRASHED).when(ArchiveProject()).then_refused(ProjectIsTrashed)


@pytest.mark.parametrize("command", [EDIT, TRASH, COLUMNS], ids=row_id)
def test_overwriting_commands_need_an_expected_version(command: Command[Any]) -> None:
    given_project().when(msgspec.structs.replace(command, expected_version=None)).then_refused(VersionRequired)
    given_project(ProjectRenamed(Change("a", "b"))).when(command).then_refused(VersionConflict, current_version=2)


@pytest.mark.parametrize("command", ON_A_PROJECT, ids=row_id)
def test_a_purged_project_is_gone_for_members_and_unknown_to_others(
    command: Command[Any],
) -> None:
    given_project(PROJECT_TRASHED, ProjectPurged()).when(command).then_refused(Purged)
    given_project(PROJECT_TRASHED, ProjectPurged()).when(command, actor=BOB).then_refused(NotFound)
    given_project().when(command, on=OTHER_PROJECT).then_refused(NotFound)


@pytest.mark.parametrize("command", [TRASH, ArchiveProject(), RestoreProject(), COLUMNS], ids=row_id)
def test_a_member_may_not_archive_trash_or_set_columns(command: Command[Any]) -> None:
    given(workspace(), member(BOB), project()).when(command, actor=BOB).then_refused(Forbidden, needed="admin")


def test_the_key_of_a_purged_project_stays_taken() -> None:
    given_project(PROJECT_TRASHED, ProjectPurged()).when(CREATE, on=OTHER_PROJECT).then_refused(ProjectKeyTaken)
