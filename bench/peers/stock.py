"""The stock peer: an aggregate of the `eventsourcing` library on its PostgreSQL infrastructure, with defaults."""

from typing import Any
from uuid import UUID

import msgspec
from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event
from litestar import Litestar, post
from litestar.params import FromPath, JSONBody
from msgspec import Struct
from psycopg import conninfo

from api.http.authentication import Authentication, TokenVerifier
from bench.harness.peer_config import PeerConfig
from commands.field_types import ColumnName, DateOrTimeText, Description, Labels, Title
from domain.task import Priority


class NewTask(Struct, frozen=True, forbid_unknown_fields=True):
    title: Title
    description: Description = ""
    priority: Priority = "none"
    due: DateOrTimeText | None = None
    column: ColumnName = "todo"
    labels: Labels = ()


class WriteResult(Struct, frozen=True):
    id: UUID
    version: int


class Task(Aggregate):
    @event("Created")
    def __init__(self, project_id: str, fields: dict[str, Any]) -> None:
        self.project_id = project_id
        self.fields = fields


class Tasks(Application[UUID]):
    def create(self, project_id: str, new: NewTask) -> Task:
        task = Task(project_id, msgspec.to_builtins(new))
        self.save(task)
        return task


def app(config: PeerConfig) -> Litestar:
    """An application that creates tasks, with our authentication and validation, and the handler in a thread."""
    tasks = Tasks(env=library_settings(config.database_url))

    @post("/api/v1/projects/{project:str}/tasks", sync_to_thread=True)
    def create_task(project: FromPath[str], data: JSONBody[NewTask]) -> WriteResult:
        task = tasks.create(project, data)
        return WriteResult(task.id, task.version)

    authenticate = Authentication(TokenVerifier([config.jwt_key])).authenticate
    return Litestar([create_task], before_request=authenticate, openapi_config=None, logging_config=None)


def library_settings(url: str) -> dict[str, Any]:
    """The library's settings for a database."""
    parts = conninfo.conninfo_to_dict(url)
    names = {"DBNAME": "dbname", "HOST": "host", "PORT": "port", "USER": "user", "PASSWORD": "password"}
    connection = {f"POSTGRES_{variable}": str(parts[part]) for variable, part in names.items()}
    return {"PERSISTENCE_MODULE": "eventsourcing.postgres", **connection}
