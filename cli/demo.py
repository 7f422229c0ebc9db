"""`taskledger demo`: sample data for an empty instance."""

import asyncio
import secrets
from pathlib import Path
from typing import Any
from uuid import UUID

import click

from cli import options
from cli.open_instance import OpenInstance, open_instance
from cli.output import print_line
from commands.column import ColumnSpec, SetColumns
from commands.command import Command
from commands.handling.command_on import CommandOn
from commands.handling.request import CommandRequest
from commands.label import ColourLabel
from commands.project import CreateProject
from commands.task import CompleteTask, CreateTask, EditTask, MoveTask
from commands.user import RegisterUser
from commands.workspace import CreateWorkspace
from domain.errors import WrongCredentials
from domain.event import Actor
from domain.instance import INSTANCE_STREAM_ID
from domain.label import label_stream_id
from infra import settings
from infra.errors import OperatorError
from infra.ids import new_id
from infra.settings import Settings

DEMO_EMAIL = "demo@example.com"
SET_WIP_LIMITS = SetColumns(
    columns=(ColumnSpec(name="To do"), ColumnSpec(name="In progress", wip_limit=3), ColumnSpec(name="Done", done=True)),
    expected_version=1,
)
"""Sent last: no task then enters a limited column before a worker is running to count its tasks."""


class NotEmpty(OperatorError):
    """The instance has users."""

    def __init__(self) -> None:
        super().__init__(
            "The demo needs an empty instance, and this one already has users: choose another folder with --data."
        )


@click.command
@options.data_option
@click.option("--if-empty", is_flag=True, help="Print the login of an earlier demo instead of refusing.")
def command(data: Path, if_empty: bool) -> None:  # noqa: FBT001 - click calls it by name
    """Fill an empty instance with a sample workspace and print its login."""
    app_settings = settings.resolve(data, needs_address_key=True)
    if app_settings.environment == "production":
        raise OperatorError("The demo is not available in production: register your first user instead.")
    password_file = data / "secrets" / "demo-password"
    if asyncio.run(_is_empty(app_settings)):
        password_file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        password_file.touch(mode=0o600)
        password_file.write_text(secrets.token_urlsafe(9))
        asyncio.run(_fill(app_settings, password_file.read_text()))
    elif not if_empty or not password_file.exists():
        raise NotEmpty
    password = password_file.read_text()
    if asyncio.run(_is_current(app_settings, password)):
        print_line(f"Demo login: {DEMO_EMAIL} / {password}")
    else:
        print_line(f"Demo login: {DEMO_EMAIL}, with the password that was set since.")


async def _is_empty(app_settings: Settings) -> bool:
    async with open_instance(app_settings) as instance:
        return not (await instance.log.load_streams([INSTANCE_STREAM_ID]))[INSTANCE_STREAM_ID]


async def _is_current(app_settings: Settings, password: str) -> bool:
    """Whether the demo user still has the password that it was made with; raises NotEmpty if there is none."""
    async with open_instance(app_settings) as instance:
        user = await instance.addresses.find_user(DEMO_EMAIL)
        if user is None:
            raise NotEmpty
        try:
            await instance.passwords.verify(user, password)
        except WrongCredentials:
            return False
    return True


async def _fill(app_settings: Settings, password: str) -> None:
    user, workspace, project = new_id(), new_id(), new_id()
    async with open_instance(app_settings) as instance:
        await instance.passwords.store(user, await instance.passwords.hash(password))
        address = instance.addresses.streams(DEMO_EMAIL)
        commands = [
            CommandOn(user, RegisterUser(email=DEMO_EMAIL, address=address, name="Demo")),
            CommandOn(workspace, CreateWorkspace(name="Demo")),
            CommandOn(project, CreateProject(workspace_id=workspace, name="Spring festival", key="FEST")),
        ]
        colour_label = ColourLabel(workspace_id=workspace, label="music", colour="#7a3fb5")
        colour_command = CommandOn(label_stream_id(workspace, "music"), colour_label)
        for command_on in [*commands, colour_command, *_demo_tasks(project, user), CommandOn(project, SET_WIP_LIMITS)]:
            await _handle(instance, user, command_on)


def _demo_tasks(project: UUID, user: UUID) -> list[CommandOn]:
    def task_commands(title: str, *follow_ups: Command[Any], **fields: Any) -> list[CommandOn]:
        task_id = new_id()
        return [
            CommandOn(task_id, CreateTask(project_id=project, title=title, **fields)),
            *(CommandOn(task_id, follow_up) for follow_up in follow_ups),
        ]

    return [
        *task_commands("Find a stage", CompleteTask()),
        *task_commands(
            "Ask three bands", MoveTask(column="doing", expected_version=1), priority="high", labels=("music",)
        ),
        *task_commands("Print posters", EditTask(title="Print 200 posters", due="2027-03-01", expected_version=1)),
        *task_commands(
            "Count the chairs", assignees=(user,), description="The school lends us some; how many are whole?"
        ),
    ]


async def _handle(instance: OpenInstance, user: UUID, command_on: CommandOn) -> None:
    await instance.command_handler.handle(CommandRequest([command_on], Actor(user), new_id()))
