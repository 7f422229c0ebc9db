"""`taskledger demo`: something to look at in an empty instance."""

import asyncio
import secrets
from pathlib import Path
from typing import Any
from uuid import UUID

import click

from cli import options
from cli.opened import Opened, opened
from commands.column import ColumnSpec, SetColumns
from commands.command import Command
from commands.handling.decision import CommandOn
from commands.handling.group import CommandRequest
from commands.label import ColourLabel
from commands.project import CreateProject
from commands.task import CompleteTask, CreateTask, EditTask, MoveTask
from commands.user import RegisterUser
from commands.workspace import CreateWorkspace
from domain.event import Actor
from domain.label import label_stream_id
from domain.user import INSTANCE_STREAM_ID
from infra import settings
from infra.errors import OperatorError
from infra.ids import new_id
from infra.settings import Settings

EMAIL = "demo@example.com"
LIMITED = SetColumns(
    columns=(ColumnSpec(name="To do"), ColumnSpec(name="In progress", wip_limit=3), ColumnSpec(name="Done")),
    expected_version=1,
)
"""Of the board, when all is on it: nothing then enters a column before a worker is there to count it."""


@click.command
@options.data
def command(data: Path) -> None:
    """Fill an empty instance with a workspace to try things in, and print how to log in."""
    found = settings.resolve(data)
    if found.environment == "production":
        raise OperatorError("There is no demo in production: register your first user instead.")
    kept = data / "secrets" / "demo-password"
    if not asyncio.run(_is_empty(found)):
        if not kept.exists():
            raise OperatorError("No demo here: this instance has users of its own.")
    else:
        kept.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        kept.touch(mode=0o600)
        kept.write_text(secrets.token_urlsafe(9))
        asyncio.run(_fill(found, kept.read_text()))
    click.echo(f"Demo login: {EMAIL} / {kept.read_text()}")


async def _is_empty(found: Settings) -> bool:
    async with opened(found) as instance:
        return not (await instance.log.load_streams([INSTANCE_STREAM_ID]))[INSTANCE_STREAM_ID]


async def _fill(found: Settings, password: str) -> None:
    user, workspace, project = new_id(), new_id(), new_id()
    async with opened(found) as instance:
        await instance.credentials.store(user, password)
        wishes = [
            CommandOn(user, RegisterUser(email=EMAIL, name="Demo")),
            CommandOn(workspace, CreateWorkspace(name="Demo")),
            CommandOn(project, CreateProject(workspace_id=workspace, name="Spring festival", key="FEST")),
        ]
        colour = ColourLabel(workspace_id=workspace, label="music", colour="#7a3fb5")
        coloured = CommandOn(label_stream_id(workspace, "music"), colour)
        for wish in [*wishes, coloured, *_board(project, user), CommandOn(project, LIMITED)]:
            await _do(instance, user, wish)


def _board(project: UUID, user: UUID) -> list[CommandOn]:
    def task(title: str, *later: Command[Any], **fields: Any) -> list[CommandOn]:
        made = new_id()
        return [
            CommandOn(made, CreateTask(project_id=project, title=title, **fields)),
            *(CommandOn(made, wish) for wish in later),
        ]

    return [
        *task("Find a stage", CompleteTask(), MoveTask(column="done", expected_version=2)),
        *task("Ask three bands", MoveTask(column="doing", expected_version=1), priority="high", labels=("music",)),
        *task("Print posters", EditTask(title="Print 200 posters", due="2027-03-01", expected_version=1)),
        *task("Count the chairs", assignees=(user,), description="The school lends us some; how many are whole?"),
    ]


async def _do(instance: Opened, user: UUID, wish: CommandOn) -> None:
    await instance.handling.handle(CommandRequest([wish], Actor(user), new_id()))
