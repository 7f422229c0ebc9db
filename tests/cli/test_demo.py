"""`taskledger demo` fills an empty instance once and refuses any other."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from cli.open_instance import open_instance
from commands.handling.command_on import CommandOn
from commands.handling.request import CommandRequest
from commands.user import RegisterUser
from domain.event import Actor
from infra.errors import OperatorError
from infra.ids import new_id
from infra.settings import Settings
from tests.cli.conftest import RunCli


async def test_the_printed_login_opens_a_board_with_history(
    run_cli: RunCli, client: httpx.AsyncClient, fold: Callable[[], None]
) -> None:
    result = await asyncio.to_thread(run_cli, "demo")
    assert result.exit_code == 0, result.output
    email, password = result.output.removeprefix("Demo login: ").strip().split(" / ")
    login = await client.post("/auth/login", json={"email": email, "password": password})
    client.headers["Authorization"] = f"Bearer {login.json()['access_token']}"
    fold()
    (workspace,) = (await client.get("/workspaces")).json()["items"]
    (project,) = (await client.get(f"/workspaces/{workspace['id']}/projects")).json()["items"]
    tasks = (await client.get(f"/projects/{project['id']}/tasks")).json()["items"]
    assert {task["column"] for task in tasks} == {"todo", "doing", "done"}
    assert max(task["version"] for task in tasks) == 3
    assert [task["title"] for task in tasks if task["assignees"]] == ["Count the chairs"]
    (label,) = (await client.get(f"/workspaces/{workspace['id']}/labels")).json()["items"]
    assert (label["name"], label["colour"]) == ("music", "#7a3fb5")
    assert [task["title"] for task in tasks if label["name"] in task["labels"]] == ["Ask three bands"]
    assert [column["wip_limit"] for column in project["columns"]] == [None, 3, None]


def test_a_second_demo_is_refused_and_writes_nothing(run_cli: RunCli) -> None:
    run_cli("demo")
    before = run_cli("events", "tail", "-n", "100").output
    with pytest.raises(OperatorError, match="already has users"):
        raise run_cli("demo").exception or AssertionError
    assert run_cli("events", "tail", "-n", "100").output == before


def test_an_instance_that_is_started_again_prints_the_same_login(run_cli: RunCli) -> None:
    first = run_cli("demo", "--if-empty")
    before = run_cli("events", "tail", "-n", "100").output
    assert run_cli("demo", "--if-empty").output == first.output
    assert run_cli("events", "tail", "-n", "100").output == before


async def test_a_password_that_was_changed_is_not_printed(run_cli: RunCli, client: httpx.AsyncClient) -> None:
    first = (await asyncio.to_thread(run_cli, "demo")).output
    email, password = first.removeprefix("Demo login: ").strip().split(" / ")
    login = await client.post("/auth/login", json={"email": email, "password": password})
    client.headers["Authorization"] = f"Bearer {login.json()['access_token']}"
    change = {"current_password": password, "new_password": "correct horse battery"}
    (await client.post("/auth/password", json=change)).raise_for_status()
    second = (await asyncio.to_thread(run_cli, "demo", "--if-empty")).output
    assert second == "Demo login: demo@example.com, with the password that was set since.\n"


def test_a_password_file_without_a_demo_user_is_no_demo(run_cli: RunCli, settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "demo-password").write_text("of a demo that was not finished")
    asyncio.run(_register(settings))
    with pytest.raises(OperatorError, match="already has users"):
        raise run_cli("demo", "--if-empty").exception or AssertionError


def test_an_instance_that_has_users_gets_no_demo(run_cli: RunCli, settings: Settings) -> None:
    asyncio.run(_register(settings))
    with pytest.raises(OperatorError, match="already has users"):
        raise run_cli("demo").exception or AssertionError


def test_production_gets_no_demo(run_cli: RunCli) -> None:
    with pytest.raises(OperatorError, match="not available in production"):
        raise run_cli("demo", TASKLEDGER_ENVIRONMENT="production").exception or AssertionError


async def _register(settings: Settings) -> None:
    user = new_id()
    async with open_instance(settings) as instance:
        command = CommandOn(
            user,
            RegisterUser(email="ann@example.com", address=instance.addresses.streams("ann@example.com"), name="Ann"),
        )
        await instance.command_handler.handle(CommandRequest([command], Actor(user), new_id()))
