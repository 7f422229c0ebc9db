"""What may be asked of a project."""

from typing import Any
from uuid import UUID

import msgspec
import pytest

from commands.column import ColumnSpec, SetColumns
from commands.command import Command, OtherStreamEvent
from commands.project import ArchiveProject, CreateProject, EditProject, RestoreProject
from commands.trash import PurgeProject, TrashProject
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
    DEFAULT_COLUMNS,
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
        ProjectCreated(WORKSPACE, "Household", "HOME", DEFAULT_COLUMNS),
    )


def test_a_member_opens_a_project_too() -> None:
    given(workspace(), member(BOB)).when(CREATE, by=BOB).then(
        OtherStreamEvent(project_key_stream_id(WORKSPACE, "HOME"), ProjectKeyReserved("HOME", PROJECT)),
        ProjectCreated(WORKSPACE, "Household", "HOME", DEFAULT_COLUMNS),
    )


def test_two_projects_of_a_workspace_do_not_share_a_key() -> None:
    given(workspace(), project()).when(CREATE, on=OTHER_PROJECT).then_refused(ProjectKeyTaken, key="HOME")


def test_projects_of_two_workspaces_may_share_a_key() -> None:
    elsewhere = project(OTHER_PROJECT, "HOME", OTHER_WORKSPACE)
    given(workspace(), workspace(OTHER_WORKSPACE), elsewhere).when(CREATE).then(
        OtherStreamEvent(project_key_stream_id(WORKSPACE, "HOME"), ProjectKeyReserved("HOME", PROJECT)),
        ProjectCreated(WORKSPACE, "Household", "HOME", DEFAULT_COLUMNS),
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


def called(command: object) -> str:
    return type(command).__name__


def opened(*later: Event) -> Given:
    """Ada's project, and what happened to it later."""
    happened: Facts = [(PROJECT, event) for event in later]
    return given(workspace(), project(), happened)


def test_a_project_gets_another_name() -> None:
    opened().when(EDIT).then(ProjectRenamed(Change("Household", "Garden")))
    opened().when(EditProject(name="Household", expected_version=1)).then_nothing()
    opened().when(EditProject(expected_version=1)).then_nothing()


def test_a_project_is_archived_and_restored() -> None:
    opened().when(ArchiveProject()).then(ProjectArchived())
    opened(ProjectArchived()).when(ArchiveProject()).then_nothing()
    back = ProjectRestored(trashed=Change(old=False, new=False), archived=Change(old=True, new=False))
    opened(ProjectArchived()).when(RestoreProject()).then(back)
    opened().when(RestoreProject()).then_nothing()


def test_a_project_is_trashed_and_restored() -> None:
    opened().when(TRASH).then(PROJECT_TRASHED)
    opened(PROJECT_TRASHED).when(TrashProject(expected_version=2)).then_nothing()
    opened(PROJECT_TRASHED).when(RestoreProject()).then(PROJECT_RESTORED)


def test_a_project_is_restored_from_wherever_it_is_at_once() -> None:
    """Or asking twice would do something more."""
    back = ProjectRestored(trashed=Change(old=True, new=False), archived=Change(old=True, new=False))
    opened(ProjectArchived(), PROJECT_TRASHED).when(RestoreProject(), RestoreProject()).then(back)


def test_a_project_in_the_trash_is_purged_and_no_other() -> None:
    opened(PROJECT_TRASHED).when(PurgeProject(expected_version=2)).then(ProjectPurged())
    opened().when(PurgeProject(expected_version=1)).then_refused(NotTrashed)
    again = opened(PROJECT_TRASHED, PROJECT_RESTORED, PROJECT_TRASHED)
    again.when(PurgeProject(expected_version=2)).then_refused(VersionConflict)


@pytest.mark.parametrize("command", [EDIT, COLUMNS], ids=called)
def test_a_project_that_is_put_away_does_not_change(command: Command[Any]) -> None:
    seen = msgspec.structs.replace(command, expected_version=2)
    opened(ProjectArchived()).when(seen).then_refused(ProjectIsArchived)
    opened(PROJECT_TRASHED).when(seen).then_refused(ProjectIsTrashed)
    opened(PROJECT_TRASHED).when(ArchiveProject()).then_refused(ProjectIsTrashed)


@pytest.mark.parametrize("command", [EDIT, TRASH, COLUMNS], ids=called)
def test_what_overwrites_names_the_version_that_it_saw(command: Command[Any]) -> None:
    opened().when(msgspec.structs.replace(command, expected_version=None)).then_refused(VersionRequired)
    opened(ProjectRenamed(Change("a", "b"))).when(command).then_refused(VersionConflict, current_version=2)


@pytest.mark.parametrize("command", ON_A_PROJECT, ids=called)
def test_a_project_that_was_purged_is_gone_for_members_and_was_never_there_for_strangers(
    command: Command[Any],
) -> None:
    opened(PROJECT_TRASHED, ProjectPurged()).when(command).then_refused(Purged)
    opened(PROJECT_TRASHED, ProjectPurged()).when(command, by=BOB).then_refused(NotFound)
    opened().when(command, on=OTHER_PROJECT).then_refused(NotFound)


@pytest.mark.parametrize("command", [TRASH, ArchiveProject(), RestoreProject(), COLUMNS], ids=called)
def test_a_member_does_not_put_a_project_away_nor_set_its_columns(command: Command[Any]) -> None:
    given(workspace(), member(BOB), project()).when(command, by=BOB).then_refused(Forbidden, needed="admin")


def test_the_key_of_a_project_that_is_gone_stays_taken() -> None:
    opened(PROJECT_TRASHED, ProjectPurged()).when(CREATE, on=OTHER_PROJECT).then_refused(ProjectKeyTaken)
