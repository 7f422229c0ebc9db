"""Commands on time entries."""

from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace

from commands.field_types import MAX_SPENT_MINUTES
from commands.handling.command_on import CommandOn
from commands.time_entry import AddTimeEntry, DeleteTimeEntry, EditTimeEntry
from commands.trash import PurgeTask, PurgeTimeEntry
from domain.errors import (
    Forbidden,
    NotFound,
    NotTrashed,
    ProjectIsArchived,
    Purged,
    TaskIsTrashed,
    TimeEntryIsAnothers,
    VersionRequired,
)
from domain.event import Actor, Change, Event
from domain.instance import RULE_ACTOR
from domain.member import Role
from domain.project import ProjectArchived
from domain.time_entry import TimeEntryAdded, TimeEntryDeleted, TimeEntryEdited
from domain.user import UserZoneSet
from domain.workspace import WorkspaceZoneSet
from tests.examples import (
    ADA,
    AGENT,
    BOB,
    CAT,
    OTHER_TASK,
    OTHER_TIME_ENTRY,
    PROJECT,
    PURGED,
    TASK,
    TIME_ADDED,
    TIME_DELETED,
    TIME_EDITED,
    TIME_ENTRY,
    TIME_PURGED,
    TRASHED,
    WORKSPACE,
    Facts,
    member,
    project,
    task,
    time_entry,
    user,
    workspace,
)
from tests.given import EventHistory, Given, given

NOTED = Change(TIME_ADDED.note, TIME_ADDED.note)


def place(*of_task: Event) -> Facts:
    return [*user(), *workspace(), *member(CAT), *project(), *task(*of_task)]


def given_entry(*later: Event, who: Actor = ADA) -> Given:
    return given(place(), time_entry(*later, user=who))


def test_an_entry_says_who_when_and_how_long() -> None:
    add = AddTimeEntry(task_id=TASK, minutes=90, on="2026-12-01", note="Compared prices")
    given(place()).when(add).then(TIME_ADDED)
    given(place()).when(add, actor=AGENT).then(TIME_ADDED)
    given(place()).when(add, actor=CAT).then(replace(TIME_ADDED, user_id=CAT.id))


@pytest.mark.parametrize(
    ("of_workspace", "of_user"),
    [(None, None), ("Pacific/Kiritimati", None), ("Pacific/Kiritimati", "Pacific/Pago_Pago"), (None, "Asia/Tokyo")],
)
def test_the_day_is_today_where_the_user_is(of_workspace: str | None, of_user: str | None) -> None:
    zones: Facts = [(WORKSPACE, WorkspaceZoneSet(Change(None, of_workspace)))] if of_workspace else []
    zones += [(ADA.id, UserZoneSet(Change(None, of_user)))] if of_user else []
    decision = given(place(), zones).when(AddTimeEntry(task_id=TASK, minutes=1)).decision()
    today = decision.now.astimezone(ZoneInfo(of_user or of_workspace or "UTC")).date()
    assert decision.new_events == [
        (TIME_ENTRY, TimeEntryAdded(WORKSPACE, PROJECT, TASK, ADA.id, 1, today.isoformat())),
    ]


def test_a_correction_keeps_both_values() -> None:
    same_day = Change(TIME_ADDED.on, TIME_ADDED.on)
    given_entry().when(EditTimeEntry(minutes=60, expected_version=1)).then(TIME_EDITED)
    given_entry().when(EditTimeEntry(note=None, expected_version=1)).then(
        TimeEntryEdited(TASK, PROJECT, Change(90, 90), same_day, Change("Compared prices", ""))
    )
    given_entry().when(EditTimeEntry(on="2026-11-30", expected_version=1)).then(
        TimeEntryEdited(TASK, PROJECT, Change(90, 90), Change("2026-12-01", "2026-11-30"), NOTED)
    )
    given_entry().when(EditTimeEntry(minutes=90, on=TIME_ADDED.on, expected_version=1)).then_nothing()
    given_entry().when(EditTimeEntry(minutes=60)).then_refused(VersionRequired)


def test_a_correction_of_the_note_touches_no_task() -> None:
    assert TIME_EDITED.touches() == TIME_ADDED.touches() == TIME_DELETED.touches() == (TASK,)
    assert replace(TIME_EDITED, minutes=Change(90, 90)).touches() == (TASK,)


@pytest.mark.parametrize("role", ["member", "admin", "owner"])
def test_only_its_user_edits_an_entry(role: Role) -> None:
    theirs = given(place(), member(BOB, role), time_entry(user=CAT))
    theirs.when(EditTimeEntry(minutes=60, expected_version=1), actor=BOB).then_refused(TimeEntryIsAnothers)


def test_a_deletion_keeps_what_the_entry_said() -> None:
    given_entry().when(DeleteTimeEntry(expected_version=1)).then(TIME_DELETED)
    given_entry(TIME_EDITED).when(DeleteTimeEntry(expected_version=2)).then(
        TimeEntryDeleted(TASK, PROJECT, Change(60, 0), Change("2026-12-01", None), Change("Compared prices", ""))
    )
    given_entry(TIME_DELETED).when(DeleteTimeEntry(expected_version=2)).then_nothing()
    given_entry(TIME_DELETED).when(EditTimeEntry(minutes=60, expected_version=2)).then_refused(NotFound)
    given_entry().when(DeleteTimeEntry()).then_refused(VersionRequired)


@pytest.mark.parametrize(("role", "may"), [("member", False), ("admin", True), ("owner", True)])
def test_an_administrator_deletes_the_time_of_others(role: Role, may: bool) -> None:  # noqa: FBT001 - a table
    theirs = given(place(), member(BOB, role), time_entry(user=CAT))
    outcome = theirs.when(DeleteTimeEntry(expected_version=1), actor=BOB)
    if may:
        outcome.then(TIME_DELETED)
    else:
        outcome.then_refused(Forbidden, needed="admin")


@pytest.mark.parametrize(
    "command",
    [
        AddTimeEntry(task_id=TASK, minutes=1),
        EditTimeEntry(minutes=1, expected_version=1),
        DeleteTimeEntry(expected_version=1),
    ],
)
def test_entries_change_as_long_as_their_task_does(command: AddTimeEntry | EditTimeEntry | DeleteTimeEntry) -> None:
    target = OTHER_TIME_ENTRY if isinstance(command, AddTimeEntry) else TIME_ENTRY
    given(place(TRASHED), time_entry()).when(command, on=target).then_refused(TaskIsTrashed)
    given(place(TRASHED, PURGED), time_entry()).when(command, on=target).then_refused(Purged)
    archived = given(place(), [(PROJECT, ProjectArchived())], time_entry())
    archived.when(command, on=target).then_refused(ProjectIsArchived)


@pytest.mark.parametrize("command", [AddTimeEntry, EditTimeEntry])
def test_a_day_is_one_of_the_calendar(command: type[AddTimeEntry | EditTimeEntry]) -> None:
    with pytest.raises(ValueError, match="calendar"):
        command(minutes=MAX_SPENT_MINUTES, on="2026-02-29")


def test_an_entry_that_does_not_exist_is_not_found() -> None:
    given(place()).when(DeleteTimeEntry(expected_version=1)).then_refused(NotFound)
    given(place()).when(AddTimeEntry(task_id=OTHER_TASK, minutes=1)).then_refused(NotFound)
    given(place()).when(AddTimeEntry(minutes=1)).then_refused(NotFound)


def test_an_entry_is_purged_with_its_task() -> None:
    given(place(TRASHED), time_entry()).when(PurgeTimeEntry(), actor=RULE_ACTOR).then_refused(NotTrashed)
    commands = CommandOn(TASK, PurgeTask(expected_version=2)), CommandOn(TIME_ENTRY, PurgeTimeEntry())
    written = EventHistory([*place(TRASHED), *time_entry()]).decide(*commands, actor=RULE_ACTOR).new_events
    assert written == [(TASK, PURGED), (TIME_ENTRY, TIME_PURGED)]
    purged = given(place(TRASHED, PURGED), time_entry(TIME_PURGED))
    purged.when(PurgeTimeEntry(), actor=RULE_ACTOR).then_refused(Purged)
    given(place(TRASHED, PURGED), time_entry()).when(PurgeTimeEntry(), actor=ADA).then_refused(NotFound)
