"""A project with a past: its tasks are created first, then changed again and again while the log grows."""

import random
from collections.abc import Iterator
from uuid import UUID

from bench.data.history import ActiveTasks, ProjectEvents, StreamEvent
from domain.member import MemberJoined, member_stream_id
from domain.workspace import WorkspaceCreated
from infra.ids import new_id

TASK_COUNT = 10_000
PARTS, CHANGES_PER_PART = 10, 10_000
"""How many changes are written before each part of the rest of the log."""


class PastProject:
    """A project in a separate workspace of the user; all its tasks are there from `first_position` on."""

    def __init__(self, user: UUID) -> None:
        self.project = ProjectEvents(new_id(), new_id(), "PAST")
        self.first_position = 0
        self._user = user
        self._tasks = ActiveTasks([self.project], random.Random(3))

    def creation_events(self) -> Iterator[StreamEvent]:
        """The workspace, the project, and all its tasks."""
        workspace = self.project.workspace
        yield StreamEvent(workspace, 1, WorkspaceCreated("Past"), workspace)
        yield StreamEvent(member_stream_id(workspace, self._user), 1, MemberJoined(self._user, "owner"), workspace)
        yield from self.project.creation_events()
        for _ in range(TASK_COUNT):
            yield from self._tasks.create()

    def change_events(self) -> Iterator[StreamEvent]:
        """The next changes of random tasks."""
        for _ in range(CHANGES_PER_PART):
            yield from self._tasks.change()
