"""The models of the cache-aside peer: tables in SQLAlchemy, responses in pydantic."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict
from sqlalchemy import DateTime, Index, Text, Uuid, create_engine, make_url
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.engine import URL
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column


class TaskResponse(BaseModel):
    """A task in a response, built from its row."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    workspace_id: UUID
    project_id: UUID
    key: str
    number: int
    title: str
    description: str
    priority: str
    due: str | None
    column: str
    labels: list[str]
    assignees: list[UUID]
    status: str
    trashed: bool
    version: int
    created_at: datetime
    updated_at: datetime
    created_by: UUID
    completed_at: datetime | None
    completed_by: UUID | None


class Page(BaseModel):
    items: list[TaskResponse]
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
    key: Mapped[str]
    number: Mapped[int]
    title: Mapped[str]
    description: Mapped[str]
    priority: Mapped[str]
    due: Mapped[str | None]
    column: Mapped[str]
    labels: Mapped[list[str]] = mapped_column(ARRAY(Text))
    assignees: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid))
    status: Mapped[str]
    trashed: Mapped[bool]
    version: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    updated_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    created_by: Mapped[UUID]
    completed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    completed_by: Mapped[UUID | None]


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
