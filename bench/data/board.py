"""The board that the works are done on, made by the commands themselves before anything is measured."""

from collections.abc import Iterator
from uuid import UUID

import httpx
import msgspec
from msgspec import Struct

from bench.harness.client_scripts import NEW_TASK, Target
from cli.opened import Opened, opened
from commands.handling.decision import Wish
from commands.handling.group import Order
from commands.project import CreateProject
from commands.task import CreateTask
from commands.workspace import CreateWorkspace
from domain.event import Actor
from infra.ids import new_id
from infra.settings import Settings

PROJECTS, TASKS = 1_000, 10
"""So many projects, each with so many tasks to begin with, for tasks to be created and changed in at random."""
SHOWN = 60
"""The tasks of the project that is only looked at: more than a page."""
APART = 100
"""Projects of which the API process knows nothing: the lane in a process of its own creates tasks there."""
TOGETHER = 20
"""Projects made in one transaction."""
_API = "/api/v1"
_EMAIL, _PASSWORD = "bench@example.com", "correct horse battery"


class Board(Struct, frozen=True):
    """Where the works are done."""

    spread: list[Target]
    crowded: Target
    contended: Target
    hot_task: Target
    hot_page: Target
    apart: list[UUID]


def log_in(address: str) -> tuple[UUID, str]:
    """A new user and their token."""
    with httpx.Client(base_url=address + _API, timeout=20) as http:
        form = {"email": _EMAIL, "password": _PASSWORD}
        user = http.post("/auth/register", json={**form, "name": "Bench"}).raise_for_status().json()["id"]
        return UUID(user), http.post("/auth/login", json=form).raise_for_status().json()["access_token"]


async def make(settings: Settings, user: UUID, many: int = PROJECTS) -> Board:
    """Make it; the read models learn of it when their worker has come so far."""
    workspace, actor = new_id(), Actor(user)
    projects, apart = [new_id() for _ in range(many)], [new_id() for _ in range(APART)]
    crowded, shown = new_id(), new_id()
    contended, first = new_id(), new_id()
    async with opened(settings) as instance:
        await _do(instance, actor, [Wish(workspace, CreateWorkspace(name="Bench"))])
        for start in range(0, many, TOGETHER):
            some = enumerate(projects[start : start + TOGETHER], start)
            wishes = [wish for number, at in some for wish in _project(workspace, at, f"P{number}", TASKS)]
            await _do(instance, actor, wishes)
        await _do(
            instance, actor, [wish for at, each in enumerate(apart) for wish in _project(workspace, each, f"A{at}", 0)]
        )
        await _do(instance, actor, [*_project(workspace, crowded, "ONE", 0), _task(crowded, contended)])
        await _do(instance, actor, [*_project(workspace, shown, "HOT", 0), _task(shown, first)])
        await _do(instance, actor, [_task(shown, new_id()) for _ in range(SHOWN)])
    return Board(
        spread=[_tasks_of(project) for project in projects],
        crowded=_tasks_of(crowded),
        contended=Target(f"{_API}/tasks/{contended}"),
        hot_task=Target(f"{_API}/tasks/{first}"),
        hot_page=_tasks_of(shown),
        apart=apart,
    )


async def _do(instance: Opened, actor: Actor, wishes: list[Wish]) -> None:
    await instance.handling.handle(Order(wishes, actor, new_id()))


def _project(workspace: UUID, project: UUID, key: str, tasks: int) -> Iterator[Wish]:
    yield Wish(project, CreateProject(workspace_id=workspace, name=f"Project {key}", key=key))
    for _ in range(tasks):
        yield _task(project, new_id())


def _task(project: UUID, task: UUID) -> Wish:
    return Wish(task, new_task(project))


def new_task(project: UUID) -> CreateTask:
    """The task that every create asks for."""
    return msgspec.convert({**NEW_TASK, "project_id": project}, CreateTask)


def _tasks_of(project: UUID) -> Target:
    return Target(f"{_API}/projects/{project}/tasks")
