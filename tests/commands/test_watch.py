"""Commands on watches."""

from typing import Any

import pytest

from commands.command import Command
from commands.watch import UnwatchProject, UnwatchTask, WatchProject, WatchTask
from domain.errors import NotFound, Purged
from domain.event import Actor, Change
from domain.project import ProjectArchived, ProjectPurged
from domain.watch import ProjectWatchSet, TaskUnwatched, TaskWatched, project_watch_stream_id, task_watch_stream_id
from tests.examples import (
    ADA,
    AGENT,
    BOB,
    CAT,
    OTHER_PROJECT,
    OTHER_TASK,
    PROJECT,
    PROJECT_TRASHED,
    PROJECT_WATCH,
    PROJECT_WATCHED,
    PURGED,
    TASK,
    TASK_UNWATCHED,
    TASK_WATCH,
    TASK_WATCHED,
    TRASHED,
    Fact,
    member,
    project,
    task,
    workspace,
)
from tests.given import Given, given

COMMANDS: list[Command[Any]] = [
    WatchTask(task_id=TASK),
    UnwatchTask(task_id=TASK),
    WatchProject(project_id=PROJECT, level="none"),
    UnwatchProject(project_id=PROJECT),
]


def here(*later: Fact) -> Given:
    return given(workspace(), member(CAT, "viewer"), project(), task(), later)


def test_a_task_is_watched_and_unwatched_once() -> None:
    watch, unwatch = WatchTask(task_id=TASK), UnwatchTask(task_id=TASK)
    here().when(watch).then(TASK_WATCHED)
    here().when(unwatch).then(TASK_UNWATCHED)
    here((TASK_WATCH, TASK_WATCHED)).when(watch).then_nothing()
    here((TASK_WATCH, TASK_UNWATCHED)).when(unwatch).then_nothing()
    here((TASK_WATCH, TASK_WATCHED)).when(unwatch).then(
        TaskUnwatched(TASK, PROJECT, ADA.id, Change(old=True, new=False))
    )
    again = here((TASK_WATCH, TASK_WATCHED), (TASK_WATCH, TASK_UNWATCHED)).when(watch)
    again.then(TaskWatched(TASK, PROJECT, ADA.id, Change(old=False, new=True)))


def test_a_project_is_watched_at_a_level() -> None:
    watched = (PROJECT_WATCH, PROJECT_WATCHED)
    here().when(WatchProject(project_id=PROJECT, level="all")).then(PROJECT_WATCHED)
    here().when(WatchProject(project_id=PROJECT, level="mine")).then(
        ProjectWatchSet(PROJECT, ADA.id, Change(None, "mine"))
    )
    here().when(UnwatchProject(project_id=PROJECT)).then_nothing()
    here(watched).when(WatchProject(project_id=PROJECT, level="all")).then_nothing()
    here(watched).when(WatchProject(project_id=PROJECT, level="none")).then(
        ProjectWatchSet(PROJECT, ADA.id, Change("all", "none"))
    )
    here(watched).when(UnwatchProject(project_id=PROJECT)).then(ProjectWatchSet(PROJECT, ADA.id, Change("all", None)))


def test_a_watch_is_the_users_own_if_an_agent_acts_too() -> None:
    here().when(WatchTask(task_id=TASK), actor=AGENT).then(TASK_WATCHED)
    stream = task_watch_stream_id(TASK, CAT.id)
    assert WatchTask(task_id=TASK).derive_target(CAT.id) == stream != TASK_WATCH
    assert WatchTask().derive_target(CAT.id) is None
    of_viewer = here().when(WatchTask(task_id=TASK), on=stream, actor=CAT)
    of_viewer.then(TaskWatched(TASK, PROJECT, CAT.id, Change(None, new=True)))
    project_stream = project_watch_stream_id(PROJECT, CAT.id)
    assert WatchProject(project_id=PROJECT, level="all").derive_target(CAT.id) == project_stream != PROJECT_WATCH
    assert UnwatchProject().derive_target(CAT.id) is None


def test_a_watch_touches_the_task_but_is_no_event_of_it() -> None:
    assert TASK_WATCHED.touches() == TASK_UNWATCHED.touches() == (TASK,)
    assert PROJECT_WATCHED.touches() == ()
    assert here().when(WatchTask(task_id=TASK)).decision().new_events == [(TASK_WATCH, TASK_WATCHED)]


@pytest.mark.parametrize("command", COMMANDS)
def test_others_than_members_watch_nothing(command: Command[Any]) -> None:
    here().when(command, actor=BOB).then_refused(NotFound)
    here().when(command, actor=Actor(AGENT.id, "agent", BOB.id)).then_refused(NotFound)


@pytest.mark.parametrize(
    "command",
    [
        WatchTask(task_id=OTHER_TASK),
        UnwatchTask(task_id=OTHER_TASK),
        WatchProject(project_id=OTHER_PROJECT, level="all"),
        UnwatchProject(project_id=OTHER_PROJECT),
        WatchTask(),
        UnwatchTask(),
        WatchProject(level="all"),
        UnwatchProject(),
    ],
)
def test_what_does_not_exist_is_not_watched(command: Command[Any]) -> None:
    here().when(command).then_refused(NotFound)


def test_what_is_archived_or_in_the_trash_can_be_watched_or_not() -> None:
    here((PROJECT, ProjectArchived()), (TASK, TRASHED)).when(WatchTask(task_id=TASK)).then(TASK_WATCHED)
    here((PROJECT, PROJECT_TRASHED)).when(WatchProject(project_id=PROJECT, level="all")).then(PROJECT_WATCHED)
    for command in COMMANDS:
        purged = here((TASK, TRASHED), (TASK, PURGED), (PROJECT, PROJECT_TRASHED), (PROJECT, ProjectPurged()))
        purged.when(command).then_refused(Purged)
