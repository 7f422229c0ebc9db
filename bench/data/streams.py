"""Streams: tasks that were renamed so often that each has a certain number of events."""

from collections.abc import Iterator
from uuid import UUID

from bench.data.history import Happened, Project, told
from domain.event import Change
from domain.member import MemberJoined, member_of
from domain.task import TaskCreated, TaskRenamed
from domain.workspace import WorkspaceCreated
from infra.ids import new_id

TASKS = {10: 1_600, 100: 400, 1_000: 64, 10_000: 16}
"""So many of each length: the shorter, the more, since each change makes one longer."""
LENGTHS = tuple(TASKS)


class Streams:
    """In a workspace of their own; `tasks` is filled, by length, when all of it has happened."""

    def __init__(self, user: UUID) -> None:
        self.tasks: dict[int, list[UUID]] = {length: [] for length in LENGTHS}
        self._user = user

    def happening(self) -> Iterator[Happened]:
        workspace = new_id()
        yield Happened(workspace, 1, WorkspaceCreated("Streams"), workspace)
        yield Happened(member_of(workspace, self._user), 1, MemberJoined(self._user, "owner"), workspace)
        project = Project(new_id(), workspace, "LONG")
        yield from project.begun()
        for length, count in TASKS.items():
            for _ in range(count):
                yield from self._task(project, length)

    def _task(self, project: Project, length: int) -> Iterator[Happened]:
        for one in project.task(told()):
            yield one
            if isinstance(one.event, TaskCreated):
                self.tasks[length].append(one.stream)
                yield from _renamed(one, one.event.title, length)


def _renamed(created: Happened, title: str, length: int) -> Iterator[Happened]:
    for version in range(2, length + 1):
        new = f"Buy oat milk, crate {version}"
        yield Happened(created.stream, version, TaskRenamed(Change(title, new)), created.workspace)
        title = new
