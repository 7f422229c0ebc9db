"""Workers and API processes side by side: stopped, killed, of two kinds of code; every projection is right in the end.

`TASKLEDGER_TEST_KILLS` in the environment asks for more rounds.
"""

import os
import random
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from psycopg import Connection
from psycopg.rows import TupleRow

from domain.event import Change
from domain.task import TaskMoved, TaskRenamed
from infra import log
from infra.database.pool import connect
from infra.settings import Settings
from projections.projection import all_projections
from tests.e2e.person import Person
from tests.e2e.programs import program
from tests.e2e.running import fact
from tests.examples import PROJECT, id7, project, task, workspace
from tests.projections import oracle

ROUNDS = 60 if "TASKLEDGER_TEST_KILLS" in os.environ else 4
STOPPED_S = 1
TAKEN_OVER_S = 8
"""Within so long somebody else goes on, on a machine that does much else."""
TASKS = [id7(number) for number in range(1_000, 1_020)]
HASTY = f"""
import infra.database.pool
infra.database.pool.STALL_TIMEOUT_S = {STOPPED_S}
"""
STOPPING = """
import os, signal
from pathlib import Path
from msgspec.structs import replace
from projections.projection import all_projections

good = all_projections()["project_list"]

def fold(key, document, recorded):
    change = getattr(recorded.event, "column", None)
    if getattr(change, "new", None) == "stop here":
        try:
            Path(__file__).parents[1].joinpath("stopped").touch(exist_ok=False)
        except FileExistsError:
            pass
        else:
            os.kill(os.getpid(), signal.SIGSTOP)
    return good.fold(key, document, recorded)

all_projections()["project_list"] = replace(good, fold=fold)
"""
"""The first worker that folds a certain event stops in the middle of it, with its checkpoints taken."""
NEWER = """
from msgspec.structs import replace
from projections.projection import all_projections
all_projections()["task_list"] = replace(all_projections()["task_list"], version=12)
"""


@contextmanager
def load(settings: Settings) -> Iterator[list[int]]:
    """Somebody writes all the time; answers the position of each write."""
    over, written = threading.Event(), list[int]()

    def write() -> None:
        with connect(settings.database_url) as connection:
            while not over.wait(0.005):
                number = len(written)
                each = TASKS[number % len(TASKS)]
                there = ("doing", "todo") if number // len(TASKS) % 2 else ("todo", "doing")
                moved = TaskMoved(Change(PROJECT, PROJECT), Change(*there), "open")
                oracle.write(connection, [(each, moved), (each, TaskRenamed(Change("a", f"title {number}")))])
                written.append(log.head(connection))

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield written
    finally:
        over.set()
        thread.join()


def is_folded(connection: Connection[TupleRow], position: int) -> bool:
    return all(oracle.position(connection, name) >= position for name in all_projections())


def test_two_workers_on_one_partition_write_nothing_twice_whoever_is_stopped_or_killed(
    settings: Settings, tmp_path: Path
) -> None:
    seed = random.randrange(2**32)
    print(f"{seed=}")  # noqa: T201 - shown where the test fails
    draw = random.Random(seed)
    change = HASTY + STOPPING
    with (
        connect(settings.database_url) as connection,
        program(settings, tmp_path, "one", "worker", change=change) as one,
        program(settings, tmp_path, "other", "worker", change=change) as other,
    ):
        created = [fact for number, each in enumerate(TASKS, 1) for fact in task(task_id=each, number=number)]
        oracle.write(connection, [*workspace(), *project(), *created])
        fact(lambda: is_folded(connection, log.head(connection)))
        with load(settings) as written:
            for number in range(ROUNDS):
                victim = (one, other)[number % 2]
                victim.halt()
                until = fact(lambda: written[-1:])[0]
                time.sleep(draw.choice([0.0, 0.05, 0.2, STOPPED_S + 0.3]))  # how long a pause is, is the test's subject
                fact(lambda until=until: is_folded(connection, until), TAKEN_OVER_S)  # type: ignore[misc]
                victim.go_on()
        fact(lambda: is_folded(connection, log.head(connection)), TAKEN_OVER_S)
        assert oracle.is_right(connection)

        oracle.write(connection, [(TASKS[0], TaskMoved(Change(PROJECT, PROJECT), Change("todo", "stop here"), "open"))])
        fact(lambda: one.is_halted() or other.is_halted())
        fact(lambda: is_folded(connection, log.head(connection)), TAKEN_OVER_S)
        late = one if one.is_halted() else other
        assert late.is_halted(), "it was to sleep until others had done its work"
        oracle.write(connection, [(TASKS[1], TaskRenamed(Change("a", "the last but one")))])
        fact(lambda: is_folded(connection, log.head(connection)), TAKEN_OVER_S)
        late.go_on()
        assert oracle.is_right(connection)

        with load(settings) as written:
            fact(lambda: len(written) > 20)
            one.kill()
            one.wait()
            until = fact(lambda: written[-1:])[0]
            fact(lambda: is_folded(connection, until), TAKEN_OVER_S)
        fact(lambda: is_folded(connection, log.head(connection)), TAKEN_OVER_S)
        assert oracle.is_right(connection)
        assert not any(oracle.parked_in(connection, name) for name in all_projections())
        assert one.returncode == -signal.SIGKILL
        still = [line for line in one.says().splitlines() if "stands still" in line]
        assert all("connection" in line for line in still), still  # the server may part who stops in a transaction


@pytest.mark.usefixtures("template")
def test_old_and_new_code_run_together_each_on_a_build_of_its_own(settings: Settings, tmp_path: Path) -> None:
    with (
        connect(settings.database_url) as connection,
        program(settings, tmp_path, "old-worker", "worker"),
        program(settings, tmp_path, "old-api", "api", "--port", "0") as old_api,
        program(settings, tmp_path, "new-api", "api", "--port", "0", change=NEWER) as new_api,
    ):
        old, new = (fact(lambda api=api: address(api.says())) for api in (old_api, new_api))  # type: ignore[misc]
        assert fact(lambda: httpx.get(f"{old}/health/ready")).status_code == 200
        ann = Person.registered(old, "ann@example.com")
        household = ann.post("/workspaces", name="Home")["id"]
        kitchen = ann.post(f"/workspaces/{household}/projects", name="Kitchen", key="KIT")["id"]
        made = [ann.post(f"/projects/{kitchen}/tasks", title=f"Task {number}") for number in range(20)]
        until = made[-1]["position"]
        assert httpx.get(f"{new}/health/ready").status_code == 503, "nothing was built for it yet"
        refused = Person(new, ann.token).http.get(f"/projects/{kitchen}/tasks")
        assert refused.status_code == 503, refused.text
        before = oracle.build_of(connection, "task_list")

        with program(settings, tmp_path, "new-worker", "worker", change=NEWER):
            fact(lambda: httpx.get(f"{new}/health/ready").is_success)
            for number in range(4):
                person = Person((old, new)[number % 2], ann.token)
                until = person.post(f"/tasks/{made[number]['id']}/complete")["position"]
                for address_ in (old, new):
                    seen = Person(address_, ann.token)
                    seen.http.headers["Prefer"] = "wait=20"
                    items = seen.get(f"/projects/{kitchen}/tasks", min_position=until, limit=200)["items"]
                    done = [each["status"] == "done" for each in items]
                    assert done == [True] * (number + 1) + [False] * (19 - number)
        assert oracle.build_of(connection, "task_list") == before
        kinds = "select count(distinct fingerprint), count(distinct build) from read.serving where projection = %s"
        assert connection.execute(kinds, ("task_list",)).fetchone() == (2, 2)
        assert connection.execute(kinds, ("activity",)).fetchone() == (1, 1)
        assert connection.execute("select state from read.operations").fetchall() == [("done",)]
        assert oracle.is_right(connection)


def address(said: str) -> str | None:
    """Where a program says that it listens."""
    lines = [line for line in said.splitlines() if line.startswith("Listening at ")]
    return lines[0].split()[2] if lines else None
