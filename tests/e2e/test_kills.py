"""Each process killed in turn while people work: nothing acknowledged is lost, nothing happens twice."""

import contextlib
import random
import threading
from pathlib import Path
from uuid import UUID

import httpx
from psycopg import Connection
from psycopg.rows import TupleRow

from infra.ids import new_id
from infra.postgres import connect
from tests.e2e.person import Person
from tests.e2e.running import Running, fact, running
from tests.projections import oracle

EMAIL = "ann@example.com"
VICTIMS = ["cli.main api", "cli.main worker", "postgres -D", "in broker", "in cache", "supervisor"]


class Writer(threading.Thread):
    """Somebody who creates tasks without a pause; asks again, with the same id, where no answer came."""

    def __init__(self, person: Person, project: str) -> None:
        super().__init__(daemon=True)
        self.person, self.project = person, project
        self.acknowledged: set[str] = set()
        self.unknown = 0
        self.ended = threading.Event()

    def run(self) -> None:
        while not self.ended.is_set():
            self.create(str(new_id()))

    def create(self, task: str) -> None:
        while task not in self.acknowledged and not self.ended.is_set():
            with contextlib.suppress(httpx.HTTPError):
                body = {"id": task, "title": "Milk"}
                answer = self.person.http.post(f"/projects/{self.project}/tasks", json=body, timeout=5)
                if answer.status_code == 201 or answer.json()["code"] == "id_taken":
                    self.acknowledged.add(task)
                    return
                assert answer.status_code == 503, answer.text
            self.unknown += 1
            self.ended.wait(0.05)


def test_no_acknowledged_task_is_lost_whichever_process_is_killed(tmp_path: Path) -> None:
    seed = random.randrange(2**32)
    print(f"{seed=}")  # noqa: T201 - shown where the test fails
    with running(tmp_path / "data") as instance:
        ann = Person.registered(instance.address, EMAIL)
        workspace = ann.post("/workspaces", name="Home")["id"]
        project = ann.post(f"/workspaces/{workspace}/projects", name="Kitchen", key="KIT")["id"]
        acknowledged: set[str] = set()
        for victim in random.Random(seed).sample(VICTIMS, len(VICTIMS)):
            acknowledged |= killed_under_load(instance, victim, project)
        shown = {task["id"] for task in everything(Person.back(instance.address, EMAIL), project)}
        assert acknowledged <= shown
        with connect(instance.url()) as connection:
            assert oracle.is_right(connection)
            assert {UUID(task) for task in shown} == created(connection)


def killed_under_load(instance: Running, victim: str, project: str) -> set[str]:
    """Kill it while a writer works, and wait until the writer gets answers again."""
    writer = Writer(Person.back(instance.address, EMAIL), project)
    writer.start()
    fact(lambda: len(writer.acknowledged) >= 20)
    before = set(instance.children()) if victim != "supervisor" else set()
    instance.kill(victim)
    if victim == "supervisor":
        writer.ended.set()
        instance.start()
    else:
        fact(lambda: len(instance.children()) == len(before) and set(instance.children()) != before)
        since = len(writer.acknowledged)
        fact(lambda: len(writer.acknowledged) >= since + 20)
        writer.ended.set()
    writer.join()
    return writer.acknowledged


def everything(person: Person, project: str) -> list[dict[str, str]]:
    """All tasks of the project, once the read model has seen the last command."""
    last = person.post(f"/projects/{project}/tasks", title="The last")
    wait = {"Prefer": "wait=10"}
    person.http.headers.update(wait)
    fact(lambda: person.http.get(f"/tasks/{last['id']}", params={"min_position": last["position"]}).is_success)
    return list(person.pages(f"/projects/{project}/tasks", limit=200))


def created(connection: Connection[TupleRow]) -> set[UUID]:
    """The ids of all tasks that the log knows, each created exactly once."""
    rows = connection.execute("select originator_id from log.events where topic = 'TaskCreated'").fetchall()
    assert len(rows) == len(set(rows))
    return {row[0] for row in rows}
