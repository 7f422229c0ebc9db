"""The board that scenarios use, created through commands before anything is measured."""

from collections.abc import Iterator
from uuid import UUID

import httpx
import msgspec
from msgspec import Struct

from bench.data.http_target import NEW_TASK, HttpTarget
from cli.open_instance import OpenInstance, open_instance
from commands.handling.command_on import CommandOn
from commands.handling.request import CommandRequest
from commands.project import CreateProject
from commands.task import CreateTask
from commands.workspace import CreateWorkspace
from domain.event import Actor
from infra.ids import new_id
from infra.settings import Settings

PROJECT_COUNT, TASKS_PER_PROJECT = 1_000, 10
"""The projects, and the initial tasks in each, where tasks are created and changed at random."""
READ_PROJECT_TASKS = 60
"""The tasks of the project that is only read: more than a page."""
LANE_PROJECT_COUNT = 100
"""Projects for the lane in a separate process, which creates tasks there; the API process never uses them."""
PROJECTS_PER_TRANSACTION = 20
"""Projects created in one transaction."""
_API = "/api/v1"
_EMAIL, _PASSWORD = "bench@example.com", "correct horse battery"


class Board(Struct, frozen=True):
    """The targets of requests, and the projects of the lane."""

    projects: list[UUID]
    project_tasks: list[HttpTarget]
    one_project: HttpTarget
    one_task: HttpTarget
    hot_task: HttpTarget
    hot_page: HttpTarget
    lane_projects: list[UUID]


def register_and_log_in(address: str) -> tuple[UUID, str]:
    """Register a new user; return the user's id and access token."""
    with httpx.Client(base_url=address + _API, timeout=20) as http:
        form = {"email": _EMAIL, "password": _PASSWORD}
        user = http.post("/auth/register", json={**form, "name": "Bench"}).raise_for_status().json()["id"]
        return UUID(user), http.post("/auth/login", json=form).raise_for_status().json()["access_token"]


async def create_board(settings: Settings, user: UUID, project_count: int = PROJECT_COUNT) -> Board:
    """Create the board; read models show it once their worker has caught up."""
    workspace, actor = new_id(), Actor(user)
    projects, lane_projects = [new_id() for _ in range(project_count)], [new_id() for _ in range(LANE_PROJECT_COUNT)]
    crowded, read_project = new_id(), new_id()
    contended, first = new_id(), new_id()
    async with open_instance(settings) as instance:
        await _handle(instance, actor, [CommandOn(workspace, CreateWorkspace(name="Bench"))])
        for start in range(0, project_count, PROJECTS_PER_TRANSACTION):
            some = enumerate(projects[start : start + PROJECTS_PER_TRANSACTION], start)
            commands = [
                each for number, at in some for each in _create_project(workspace, at, f"P{number}", TASKS_PER_PROJECT)
            ]
            await _handle(instance, actor, commands)
        await _handle(
            instance,
            actor,
            [each for at, lane in enumerate(lane_projects) for each in _create_project(workspace, lane, f"A{at}", 0)],
        )
        await _handle(
            instance, actor, [*_create_project(workspace, crowded, "ONE", 0), _create_task(crowded, contended)]
        )
        await _handle(
            instance, actor, [*_create_project(workspace, read_project, "HOT", 0), _create_task(read_project, first)]
        )
        await _handle(instance, actor, [_create_task(read_project, new_id()) for _ in range(READ_PROJECT_TASKS)])
    return Board(
        projects=projects,
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
    """The command that creates the task of `NEW_TASK` in a project."""
    return msgspec.convert({**NEW_TASK, "project_id": project}, CreateTask)


def _tasks_of(project: UUID) -> HttpTarget:
    return HttpTarget(f"{_API}/projects/{project}/tasks")
