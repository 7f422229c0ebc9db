"""Each process is killed in turn under load: no acknowledged command is lost, none is applied twice.

`TASKLEDGER_TEST_KILLS=60` in the environment runs the full test: 60 kills, 16 clients and at least 10,000 commands.
"""

import faulthandler
import os
import random
import time
from pathlib import Path
from uuid import UUID

import pytest
from psycopg import Connection
from psycopg.rows import TupleRow

from infra.database.connections import connect
from tests.consistency import Acknowledged, CallHistory, assert_consistent, read_log
from tests.e2e.blocking_api_user import BlockingApiUser
from tests.e2e.running_clients import RunningClients, running_clients
from tests.e2e.running_instance import RunningInstance, poll_until, running_instance
from tests.projections import oracle

pytestmark = pytest.mark.slow

EMAIL = "ann@example.com"
VICTIMS = ["cli.main api", "cli.main worker", "postgres -D", "in broker", "in cache", "supervisor"]
KILLS = int(os.environ.get("TASKLEDGER_TEST_KILLS", len(VICTIMS)))
CLIENTS, COMMANDS = (4, 500) if len(VICTIMS) >= KILLS else (16, 10_000)


def test_kills_lose_no_acknowledged_command_and_repeat_none(tmp_path: Path) -> None:
    seed = random.randrange(2**32)
    print(f"{seed=}")  # noqa: T201 - shown where the test fails
    if len(VICTIMS) < KILLS:
        faulthandler.cancel_dump_traceback_later()  # a long run is no hang
    with running_instance(tmp_path / "data", "--api", "2") as instance:
        ann = BlockingApiUser.register(instance.address, EMAIL)
        workspace = ann.post("/workspaces", name="Home")["id"]
        project = ann.post(f"/workspaces/{workspace}/projects", name="Kitchen", key="KIT")["id"]
        with running_clients(instance, ann.token, project, CLIENTS) as clients:
            for victim in kill_order(random.Random(seed)):
                killed_under_load(instance, victim, clients)
            poll_until(lambda: clients.definite_count() >= COMMANDS, timeout_s=900)
        history = clients.history
        print(f"{KILLS} kills, {CLIENTS} clients: {history.counts}")  # noqa: T201 - the counts of the long run
        shown = all_tasks(BlockingApiUser.log_in(instance.address, EMAIL), project, history)
        assert history.counts["unknown"], "no answer was lost"
        with connect(instance.database_url()) as connection:
            assert_consistent(history.calls, read_log(connection))
            assert oracle.matches_log(connection)
            assert shown == created_task_ids(connection)


def kill_order(order: random.Random) -> list[str]:
    """Every victim equally often, in random order."""
    rounds = range(-(-KILLS // len(VICTIMS)))
    return [victim for _ in rounds for victim in order.sample(VICTIMS, len(VICTIMS))][:KILLS]


def killed_under_load(instance: RunningInstance, victim: str, clients: RunningClients) -> None:
    """Kill a process under load, and wait until clients get answers again."""
    before = clients.definite_count()
    poll_until(lambda: clients.definite_count() >= before + 20)
    children = set(instance.children())
    instance.kill(victim)
    if victim == "supervisor":
        instance.start()
    poll_until(lambda: len(instance.children()) == len(children) and set(instance.children()) != children)
    since = clients.definite_count()
    poll_until(lambda: clients.definite_count() >= since + 20)


def all_tasks(person: BlockingApiUser, project: str, history: CallHistory) -> set[UUID]:
    """All tasks of the project, once the read model includes the last command."""
    sent = time.monotonic()
    last = person.post(f"/projects/{project}/tasks", title="the last")
    history.record("the last", sent, Acknowledged(UUID(last["id"]), last["version"], last["position"]))
    person.http.headers.update({"Prefer": "wait=10"})
    poll_until(lambda: person.http.get(f"/tasks/{last['id']}", params={"min_position": last["position"]}).is_success)
    return {UUID(task["id"]) for task in person.iter_items(f"/projects/{project}/tasks", limit=200)}


def created_task_ids(connection: Connection[TupleRow]) -> set[UUID]:
    """The ids of all tasks created in the log."""
    rows = connection.execute("select originator_id from log.events where topic = 'TaskCreated'").fetchall()
    return {row[0] for row in rows}
