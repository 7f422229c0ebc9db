"""Each process killed in turn while people work: nothing acknowledged is lost, nothing happens twice.

`TASKLEDGER_TEST_KILLS=60` in the environment asks for all that is promised: so many kills, 16 clients and at least
10,000 commands.
"""

import faulthandler
import os
import random
import time
from pathlib import Path
from uuid import UUID

from psycopg import Connection
from psycopg.rows import TupleRow

from infra.database.pool import connect
from tests.e2e.crew import Crew, at_work
from tests.e2e.person import Person
from tests.e2e.running import Running, fact, running
from tests.history import Notes, Place, assert_consistent, read
from tests.projections import oracle

EMAIL = "ann@example.com"
VICTIMS = ["cli.main api", "cli.main worker", "postgres -D", "in broker", "in cache", "supervisor"]
KILLS = int(os.environ.get("TASKLEDGER_TEST_KILLS", len(VICTIMS)))
CLIENTS, COMMANDS = (4, 500) if len(VICTIMS) >= KILLS else (16, 10_000)


def test_no_acknowledged_command_is_lost_and_none_happens_twice_whatever_is_killed(tmp_path: Path) -> None:
    seed = random.randrange(2**32)
    print(f"{seed=}")  # noqa: T201 - shown where the test fails
    if len(VICTIMS) < KILLS:
        faulthandler.cancel_dump_traceback_later()  # a long run is no hang
    with running(tmp_path / "data", "--api", "2") as instance:
        ann = Person.registered(instance.address, EMAIL)
        workspace = ann.post("/workspaces", name="Home")["id"]
        project = ann.post(f"/workspaces/{workspace}/projects", name="Kitchen", key="KIT")["id"]
        with at_work(instance, ann.token, project, CLIENTS) as crew:
            for victim in victims(random.Random(seed)):
                killed_under_load(instance, victim, crew)
            fact(lambda: crew.answered() >= COMMANDS, patience=900)
        notes = crew.notes
        print(f"{KILLS} kills, {CLIENTS} clients: {notes.count}")  # noqa: T201 - the figures of the long run
        shown = everything(Person.back(instance.address, EMAIL), project, notes)
        assert notes.count["unknown"], "no answer was lost"
        with connect(instance.url()) as connection:
            assert_consistent(notes.calls, read(connection))
            assert oracle.is_right(connection)
            assert shown == created(connection)


def victims(order: random.Random) -> list[str]:
    """Each as often as every other, in any order."""
    rounds = range(-(-KILLS // len(VICTIMS)))
    return [victim for _ in rounds for victim in order.sample(VICTIMS, len(VICTIMS))][:KILLS]


def killed_under_load(instance: Running, victim: str, crew: Crew) -> None:
    """Kill it while clients work, and wait until they get answers again."""
    before = crew.answered()
    fact(lambda: crew.answered() >= before + 20)
    children = set(instance.children())
    instance.kill(victim)
    if victim == "supervisor":
        instance.start()
    fact(lambda: len(instance.children()) == len(children) and set(instance.children()) != children)
    since = crew.answered()
    fact(lambda: crew.answered() >= since + 20)


def everything(person: Person, project: str, notes: Notes) -> set[UUID]:
    """All tasks of the project, once the read model has seen the last command."""
    sent = time.monotonic()
    last = person.post(f"/projects/{project}/tasks", title="the last")
    notes.add("the last", sent, Place(UUID(last["id"]), last["version"], last["position"]))
    person.http.headers.update({"Prefer": "wait=10"})
    fact(lambda: person.http.get(f"/tasks/{last['id']}", params={"min_position": last["position"]}).is_success)
    return {UUID(task["id"]) for task in person.pages(f"/projects/{project}/tasks", limit=200)}


def created(connection: Connection[TupleRow]) -> set[UUID]:
    """The ids of all tasks that the log knows."""
    rows = connection.execute("select originator_id from log.events where topic = 'TaskCreated'").fetchall()
    return {row[0] for row in rows}
