"""The library's `ProjectionRunner` follows the log that our lane writes, and misses no event."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar
from uuid import UUID

import pytest
from eventsourcing.application import Application
from eventsourcing.persistence import ApplicationRecorder, Mapper, StoredEvent, Tracking, TrackingRecorder
from eventsourcing.popo import POPOTrackingRecorder
from eventsourcing.projection import Projection, ProjectionRunner

from commands.handling.command_on import CommandOn
from commands.handling.handler import CommandHandler
from commands.handling.request import CommandRequest
from commands.project import CreateProject
from commands.task import CreateTask
from commands.workspace import CreateWorkspace
from domain import codec
from domain.event import Event
from domain.task import TaskCreated
from infra.database.pool import create_pool
from infra.ids import new_id
from infra.log.event_log import EventLog
from infra.settings import Settings
from tests.examples import ADA, PROJECT, WORKSPACE

TASKS = 300


class DecodedEvent:
    """One of our events as the library passes it to a projection."""

    def __init__(self, stored: StoredEvent) -> None:
        self.originator_id = stored.originator_id
        self.originator_version = stored.originator_version
        self.event: Event = codec.decode(stored.topic, stored.state)


class TaskledgerMapper(Mapper[UUID]):
    """Our stored names and JSON instead of the library's topics and transcodings."""

    def to_domain_event(self, stored_event: StoredEvent) -> Any:
        return DecodedEvent(stored_event)


class TaskledgerApplication(Application[UUID]):
    """An application of the library on our log."""

    url: ClassVar = ""
    name = "taskledger"

    def construct_recorder(self) -> ApplicationRecorder:
        return EventLog(self.url, create_pool(self.url))

    def construct_mapper(self) -> Mapper[UUID]:
        return TaskledgerMapper(transcoder=self.construct_transcoder())


class TitleRecorder(POPOTrackingRecorder):
    """The view of the projection."""

    def __init__(self) -> None:
        super().__init__()
        self.titles: list[str] = []

    def add(self, title: str, tracking: Tracking) -> None:
        self.titles.append(title)
        self.insert_tracking(tracking)


class TitleProjection(Projection[TrackingRecorder]):
    def process_event(self, domain_event: Any, tracking: Tracking) -> None:
        view = self.view
        assert isinstance(view, TitleRecorder)
        if isinstance(domain_event.event, TaskCreated):
            view.add(domain_event.event.title, tracking)
        else:
            view.insert_tracking(tracking)


@contextmanager
def running_projection(url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setattr(TaskledgerApplication, "url", url)
    with ProjectionRunner(
        application_class=TaskledgerApplication, projection_class=TitleProjection, view_class=TitleRecorder
    ) as runner:
        try:
            yield runner
        finally:
            runner.app.recorder.datastore.close()


async def test_the_eventsourcing_runner_reads_everything_the_lane_appends(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with create_pool(settings.database_url) as connections:
        log = EventLog(settings.database_url, connections)
        handling = CommandHandler(log)
        opened = [
            CommandOn(WORKSPACE, CreateWorkspace(name="Home")),
            CommandOn(PROJECT, CreateProject(workspace_id=WORKSPACE, name="Kitchen", key="KIT")),
        ]
        await handling.handle(CommandRequest(opened, ADA, new_id()))
        with running_projection(settings.database_url, monkeypatch) as runner:
            titles = [f"task {number}" for number in range(TASKS)]
            commands = [CommandOn(new_id(), CreateTask(project_id=PROJECT, title=title)) for title in titles]
            done = await asyncio.gather(
                *(handling.handle(CommandRequest([command], ADA, new_id())) for command in commands)
            )
            last = max(one.position for one in done)
            await asyncio.to_thread(runner.wait, last, 20)
            assert sorted(runner.projection.view.titles) == sorted(titles)
