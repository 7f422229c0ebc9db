"""The models of the cache-aside peer: tables in SQLAlchemy, responses in pydantic."""

from collections.abc import Iterable
from datetime import datetime
from types import NoneType
from typing import Any, Literal, get_args, get_origin, get_type_hints
from uuid import UUID

from pydantic import BaseModel, ConfigDict, create_model
from sqlalchemy import BigInteger, Boolean, DateTime, Index, Text, Uuid, create_engine, make_url
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.engine import URL
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from projections.task_list import TaskRow

_FIELD_TYPES = get_type_hints(TaskRow)
"""The fields of a task: those that ours has, so that both answer alike."""
_COLUMN_TYPES: dict[Any, Any] = {
    UUID: Uuid,
    str: Text,
    int: BigInteger,
    bool: Boolean,
    datetime: DateTime(timezone=True),
    tuple[str, ...]: ARRAY(Text),
    tuple[UUID, ...]: ARRAY(Uuid),
}


def _sql_type(field_type: Any) -> Any:
    """The SQL type of a field; that of a type of our own is JSON."""
    found = _without_none(field_type)
    return _COLUMN_TYPES.get(str if get_origin(found) is Literal else found, JSONB)


def _without_none(field_type: Any) -> Any:
    arguments = [each for each in get_args(field_type) if each is not NoneType]
    return arguments[0] if NoneType in get_args(field_type) else field_type


_RESPONSE_FIELDS: dict[str, Any] = {
    name: (Any if _sql_type(field_type) is JSONB else field_type, ...) for name, field_type in _FIELD_TYPES.items()
}
TaskResponse = create_model("TaskResponse", __config__=ConfigDict(from_attributes=True), **_RESPONSE_FIELDS)
"""A task in a response, built from its row."""


class Page(BaseModel):
    items: list[TaskResponse]  # type: ignore[valid-type]
    next_cursor: str | None = None


class Base(DeclarativeBase):
    pass


class Member(Base):
    __tablename__ = "members"

    workspace_id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(primary_key=True)


class Project(Base):
    __tablename__ = "projects"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    workspace_id: Mapped[UUID]


class Task(Base):
    __tablename__ = "tasks"
    __table_args__ = (Index("tasks_of_project", "project_id", "number"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    workspace_id: Mapped[UUID]
    project_id: Mapped[UUID]
    number: Mapped[int]
    trashed: Mapped[bool]


for _name, _type in _FIELD_TYPES.items():
    if not hasattr(Task, _name):
        setattr(Task, _name, mapped_column(_sql_type(_type), nullable=_without_none(_type) is not _type))


def sqlalchemy_url(database_url: str) -> URL:
    """The URL of a database, with the driver that Taskledger uses too."""
    return make_url(database_url).set(drivername="postgresql+psycopg")


def fill_tables(database_url: str, user: UUID, tasks_json: Iterable[object]) -> None:
    """Create the tables, with the tasks in `tasks_json` and the rows that give `user` access to them."""
    tasks = [Task(**TaskResponse.model_validate(one).model_dump()) for one in tasks_json]
    projects = {task.project_id: task.workspace_id for task in tasks}
    engine = create_engine(sqlalchemy_url(database_url))
    Base.metadata.create_all(engine)
    with Session(engine) as session, session.begin():
        session.add_all(tasks)
        session.add_all(Project(id=project, workspace_id=workspace) for project, workspace in projects.items())
        session.add_all(Member(workspace_id=workspace, user_id=user) for workspace in set(projects.values()))
    engine.dispose()
