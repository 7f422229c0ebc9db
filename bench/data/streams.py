"""Streams: tasks that were renamed until their streams have given lengths."""

from collections.abc import Iterator
from uuid import UUID

from bench.data.history import ProjectEvents, StreamEvent, new_task_fields
from domain.event import Change
from domain.member import MemberJoined, member_stream_id
from domain.task import TaskCreated, TaskRenamed
from domain.workspace import WorkspaceCreated
from infra.ids import new_id

TASKS_BY_LENGTH = {10: 1_600, 100: 400, 1_000: 64, 10_000: 16}
"""How many tasks have each length: more of the short ones, because each measured change adds an event."""
STREAM_LENGTHS_EVENTS = tuple(TASKS_BY_LENGTH)


class StreamsByLength:
    """Tasks in a separate workspace; `tasks_by_length` is complete once all events are generated."""

    def __init__(self, user: UUID) -> None:
        self.tasks_by_length: dict[int, list[UUID]] = {length: [] for length in STREAM_LENGTHS_EVENTS}
        self._user = user

    def generate_events(self) -> Iterator[StreamEvent]:
        workspace = new_id()
        yield StreamEvent(workspace, 1, WorkspaceCreated("Streams"), workspace)
        yield StreamEvent(member_stream_id(workspace, self._user), 1, MemberJoined(self._user, "owner"), workspace)
        project = ProjectEvents(new_id(), workspace, "LONG")
        yield from project.creation_events()
        for length, count in TASKS_BY_LENGTH.items():
            for _ in range(count):
                yield from self._task_events(project, length)

    def _task_events(self, project: ProjectEvents, length: int) -> Iterator[StreamEvent]:
        for one in project.task_events(new_task_fields()):
            yield one
            if isinstance(one.event, TaskCreated):
                self.tasks_by_length[length].append(one.stream)
                yield from _rename_events(one, one.event.title, length)


def _rename_events(created: StreamEvent, title: str, length: int) -> Iterator[StreamEvent]:
    for version in range(2, length + 1):
        new = f"Buy oat milk, crate {version}"
        yield StreamEvent(created.stream, version, TaskRenamed(Change(title, new)), created.workspace)
        title = new
