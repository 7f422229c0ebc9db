"""Large bulk changes over HTTP: an operation that a worker carries out, with the rights of the user who asked."""

import asyncio
from collections.abc import Sequence
from contextlib import closing
from typing import Any

import psycopg
import pytest

from api.endpoints import bulk
from commands.handling.handler import CommandHandler
from commands.handling.request import CommandRequest
from infra.bulk import bulk_change
from infra.database.connections import connect
from infra.ids import new_id
from infra.settings import Settings
from infra.worker.housekeeping import Housekeeping
from tests.api.endpoints.test_bulk import leave_behind, refusals, send_bulk
from tests.api.problems import assert_problem
from tests.api_user import ApiUser

pytestmark = pytest.mark.asyncio(loop_scope="package")

LABEL = {"label": "urgent"}


@pytest.fixture(autouse=True)
def _few_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    """More than three tasks are changed by a worker, in groups of two."""
    monkeypatch.setattr(bulk, "MAX_DIRECT_TASKS", 3)
    monkeypatch.setattr(bulk_change, "MAX_GROUP_TASKS", 2)


async def create_tasks(user: ApiUser, count: int) -> list[str]:
    tasks = [await user.create_task() for _ in range(count)]
    user.fold()
    return tasks


async def run_to_its_end(user: ApiUser, settings: Settings, operation: str) -> dict[str, Any]:
    """The operation, once a worker's housekeeping has carried it out."""
    with closing(Housekeeping(settings)) as keeper:
        async with asyncio.timeout(60):
            while not (await user.get(f"/operations/{operation}"))["ended_at"]:
                keeper.run_once()
                await asyncio.sleep(0.05)
    return await user.get(f"/operations/{operation}")


async def versions(user: ApiUser, tasks: Sequence[str]) -> list[int]:
    return [(await user.get(f"/tasks/{task}"))["version"] for task in tasks]


async def test_many_tasks_are_changed_by_an_operation(administrator: ApiUser, isolated_settings: Settings) -> None:
    tasks = await create_tasks(administrator, 5)
    await administrator.request("DELETE", f"/tasks/{tasks[3]}", headers={"If-Match": '"1"'})
    administrator.fold()
    answer = await send_bulk(administrator, "LabelTask", LABEL, ids=[*tasks, "NONE-1"])
    assert answer.status_code == 202, answer.text
    asked = answer.json()
    assert answer.headers["location"] == f"/api/v1/operations/{asked['id']}"
    assert (asked["kind"], asked["state"], asked["done"], asked["total"]) == ("bulk", "waiting", 0, 5)
    ended = await run_to_its_end(administrator, isolated_settings, asked["id"])
    assert (ended["state"], ended["done"], ended["total"]) == ("done", 5, 5)
    outcome = ended["outcome"]
    assert (outcome["command_id"], outcome["selected"], outcome["changed"]) == (asked["id"], 6, 4)
    assert refusals(outcome) == {"NONE-1": (404, "not_found"), tasks[3]: (422, "task_is_trashed")}
    assert await versions(administrator, tasks) == [2] * 5
    with connect(isolated_settings.database_url) as connection:
        sql = "select count(*), count(distinct command_id) from log.event_log where causation_id = %s"
        assert connection.execute(sql, (asked["id"],)).fetchall() == [(4, 3)]


async def test_an_operation_is_seen_by_who_asked_and_by_administrators(administrator: ApiUser) -> None:
    ann, bob = [await ApiUser.register_with_project(administrator.client, administrator.fold, one) for one in "AB"]
    await create_tasks(ann, 4)
    operation = (await send_bulk(ann, "CompleteTask", filter="status:open")).json()["id"]
    for user in (ann, administrator):
        assert (await user.get(f"/operations/{operation}"))["asked_by"] == ann.id
    assert_problem(await bob.request("GET", f"/operations/{operation}"), 403, "forbidden")


async def test_the_rights_are_those_at_the_time_of_each_command(
    administrator: ApiUser, isolated_settings: Settings
) -> None:
    ann = await ApiUser.register_with_project(administrator.client, administrator.fold, "Ann")
    member = f"/workspaces/{administrator.workspace}/members/{ann.id}"
    assert (await administrator.request("PUT", member, json={"role": "member"})).is_success
    tasks = await create_tasks(administrator, 4)
    operation = (await send_bulk(ann, "CompleteTask", filter="status:open")).json()["id"]
    assert (await administrator.request("DELETE", member)).is_success
    outcome = (await run_to_its_end(ann, isolated_settings, operation))["outcome"]
    assert (outcome["changed"], refusals(outcome)) == (0, dict.fromkeys(tasks, (404, "not_found")))
    assert await versions(administrator, tasks) == [1] * 4


async def test_a_worker_goes_on_where_another_died(
    administrator: ApiUser, isolated_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first process dies after two of three groups, before it has stored how far it is."""
    tasks = await create_tasks(administrator, 6)
    key = {"Idempotency-Key": str(new_id())}
    carry_out_each, calls = CommandHandler.carry_out_each, list[CommandRequest]()

    async def dying(handler: CommandHandler, request: CommandRequest) -> Any:
        if len(calls) == 2:
            raise psycopg.OperationalError("the process dies")
        calls.append(request)
        return await carry_out_each(handler, request)

    with monkeypatch.context() as patched:
        patched.setattr(CommandHandler, "carry_out_each", dying)
        patched.setattr(bulk, "MAX_DIRECT_TASKS", 6)
        broken = await send_bulk(administrator, "LabelTask", LABEL, ids=tasks, headers=key)
        assert_problem(broken, 503, "storage_unavailable")
    await administrator.post(f"/tasks/{tasks[0]}/unlabel", **LABEL)
    leave_behind(isolated_settings)
    again = await send_bulk(administrator, "LabelTask", LABEL, ids=tasks, headers=key)
    assert (again.status_code, again.headers["idempotent-replayed"]) == (202, "true")
    ended = await run_to_its_end(administrator, isolated_settings, again.json()["id"])
    assert (ended["outcome"]["changed"], ended["outcome"]["refused"]) == (6, [])
    assert await versions(administrator, tasks) == [3, 2, 2, 2, 2, 2]


async def test_a_repeat_names_the_operation_that_the_first_request_began(administrator: ApiUser) -> None:
    tasks, key = await create_tasks(administrator, 4), {"Idempotency-Key": str(new_id())}
    first = await send_bulk(administrator, "CompleteTask", ids=tasks, headers=key)
    again = await send_bulk(administrator, "CompleteTask", ids=tasks, headers=key)
    assert (again.status_code, again.json()["id"]) == (202, first.json()["id"])
    assert again.headers["idempotent-replayed"] == "true"


async def test_a_change_that_cannot_be_read_has_failed(administrator: ApiUser, isolated_settings: Settings) -> None:
    """Such as one that a newer version stored before this one took its place."""
    await create_tasks(administrator, 4)
    await send_bulk(administrator, "CompleteTask", filter="status:open")
    with connect(isolated_settings.database_url) as connection:
        connection.execute("""update read.bulk_changes set request = request::jsonb || '{"type": "Nonsense"}'""")
        with closing(Housekeeping(isolated_settings)) as keeper:
            async with asyncio.timeout(60):
                while not connection.execute("select from read.operations where state = 'failed'").fetchall():
                    keeper.run_once()
                    await asyncio.sleep(0.05)


async def test_a_dry_run_tries_the_first_tasks_at_once(administrator: ApiUser) -> None:
    tasks = await create_tasks(administrator, 5)
    answer = await send_bulk(administrator, "CompleteTask", ids=tasks, params={"dry_run": "true"})
    assert answer.status_code == 200
    assert (answer.json()["selected"], answer.json()["changed"]) == (5, 3)
    assert await versions(administrator, tasks) == [1] * 5
