"""The board that the works are done on, made by the commands themselves before anything is measured."""

from collections.abc import Iterator
from uuid import UUID

import httpx
import msgspec
from msgspec import Struct

from bench.data.http_target import NEW_TASK, HttpTarget
from cli.open_instance import OpenInstance, open_instance
from commands.handling.decision import CommandOn
from commands.handling.request import CommandRequest
from commands.project import CreateProject
from commands.task import CreateTask
from commands.workspace import CreateWorkspace
from domain.event import Actor
from infra.ids import new_id
from infra.settings import Settings

PROJECT_COUNT, TASKS_PER_PROJECT = 1_000, 10
"""So many projects, each with so many tasks to begin with, for tasks to be created and changed in at random."""
READ_PROJECT_TASKS = 60
"""The tasks of the project that is only looked at: more than a page."""
LANE_PROJECT_COUNT = 100
"""Projects of which the API process knows nothing: the lane in a process of its own creates tasks there."""
PROJECTS_PER_TRANSACTION = 20
"""Projects made in one transaction."""
_API = "/api/v1"
_EMAIL, _PASSWORD = "bench@example.com", "correct horse battery"


class Board(Struct, frozen=True):
    """Where the works are done."""

    project_tasks: list[HttpTarget]
    one_project: HttpTarget
    one_task: HttpTarget
    hot_task: HttpTarget
    hot_page: HttpTarget
    lane_projects: list[UUID]


def register_and_log_in(address: str) -> tuple[UUID, str]:
    """A new user and their token."""
    with httpx.Client(base_url=address + _API, timeout=20) as http:
        form = {"email": _EMAIL, "password": _PASSWORD}
        user = http.post("/auth/register", json={**form, "name": "Bench"}).raise_for_status().json()["id"]
        return UUID(user), http.post("/auth/login", json=form).raise_for_status().json()["access_token"]


async def create_board(settings: Settings, user: UUID, project_count: int = PROJECT_COUNT) -> Board:
    """Make it; the read models learn of it when their worker has come so far."""
    workspace, actor = new_id(), Actor(user)
    projects, lane_projects = [new_id() for _ in range(project_count)], [new_id() for _ in range(LANE_PROJECT_COUNT)]
    crowded, read_project = new_id(), new_id()
    contended, first = new_id(), new_id()
    async with open_instance(settings) as instance:
        await _handle(instance, actor, [CommandOn(workspace, CreateWorkspace(name="Bench"))])
        for start in range(0, project_count, PROJECTS_PER_TRANSACTION):
            some = enumerate(projects[start : start + PROJECTS_PER_TRANSACTION], start)
            wishes = [
                wish for number, at in some for wish in _create_project(workspace, at, f"P{number}", TASKS_PER_PROJECT)
            ]
            await _handle(instance, actor, wishes)
        await _handle(
            instance,
            actor,
            [wish for at, each in enumerate(lane_projects) for wish in _create_project(workspace, each, f"A{at}", 0)],
        )
        await _handle(
            instance, actor, [*_create_project(workspace, crowded, "ONE", 0), _create_task(crowded, contended)]
        )
        await _handle(
            instance, actor, [*_create_project(workspace, read_project, "HOT", 0), _create_task(read_project, first)]
        )
        await _handle(instance, actor, [_create_task(read_project, new_id()) for _ in range(READ_PROJECT_TASKS)])
    return Board(
        project_tasks=[_tasks_of(project) for project in projects],
        one_project=_tasks_of(crowded),
        one_task=HttpTarget(f"{_API}/tasks/{contended}"),
        hot_task=HttpTarget(f"{_API}/tasks/{first}"),
        hot_page=_tasks_of(read_project),
        lane_projects=lane_projects,
    )


async def _handle(instance: OpenInstance, actor: Actor, commands: list[CommandOn]) -> None:
    await instance.command_handler.handle(CommandRequest(commands, actor, new_id()))


def _create_project(workspace: UUID, project: UUID, key: str, tasks: int) -> Iterator[CommandOn]:
    yield CommandOn(project, CreateProject(workspace_id=workspace, name=f"Project {key}", key=key))
    for _ in range(tasks):
        yield _create_task(project, new_id())


def _create_task(project: UUID, task: UUID) -> CommandOn:
    return CommandOn(task, create_task_command(project))


def create_task_command(project: UUID) -> CreateTask:
    """The task that every create asks for."""
    return msgspec.convert({**NEW_TASK, "project_id": project}, CreateTask)


def _tasks_of(project: UUID) -> HttpTarget:
    return HttpTarget(f"{_API}/projects/{project}/tasks")
