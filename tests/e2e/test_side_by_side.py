"""Workers and API processes side by side, suspended, killed, of two versions: every projection is correct in the end.

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
from infra.database.connections import connect
from infra.settings import Settings
from projections.projection import all_projections
from tests.e2e.blocking_api_user import BlockingApiUser
from tests.e2e.cli_processes import cli_process
from tests.e2e.running_instance import TIMEOUT_S, poll_until
from tests.examples import PROJECT, fixed_uuid7, project, task, workspace
from tests.projections import oracle

pytestmark = pytest.mark.slow

ROUNDS = 60 if "TASKLEDGER_TEST_KILLS" in os.environ else 4
STOPPED_S = 1
TAKEN_OVER_S = 8
"""Another worker takes over within this time, on a busy machine."""
TASKS = [fixed_uuid7(number) for number in range(1_000, 1_020)]
SHORT_TIMEOUT_PATCH = f"""
import infra.database.connections
infra.database.connections.STALL_TIMEOUT_S = {STOPPED_S}
"""
SUSPEND_PATCH = """
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
"""The first worker that folds a certain event stops in the middle of it, with its checkpoints locked."""
NEWER_CODE_PATCH = """
from msgspec.structs import replace
from projections.projection import all_projections
all_projections()["task_list"] = replace(all_projections()["task_list"], version=1_000)
"""


@contextmanager
def write_load(settings: Settings) -> Iterator[list[int]]:
    """Writes continuously in a thread; yields the positions written."""
    stopping, written = threading.Event(), list[int]()

    def write() -> None:
        with connect(settings.database_url) as connection:
            while not stopping.wait(0.005):
                number = len(written)
                each = TASKS[number % len(TASKS)]
                there = ("doing", "todo") if number // len(TASKS) % 2 else ("todo", "doing")
                moved = TaskMoved(Change(PROJECT, PROJECT), Change(*there), "open")
                oracle.append_facts(connection, [(each, moved), (each, TaskRenamed(Change("a", f"title {number}")))])
                written.append(log.head(connection))

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield written
    finally:
        stopping.set()
        thread.join()


def is_folded(connection: Connection[TupleRow], position: int) -> bool:
    return all(oracle.checkpoint_position(connection, name) >= position for name in all_projections())


def test_two_workers_on_one_partition_write_nothing_twice_despite_kills(settings: Settings, tmp_path: Path) -> None:
    seed = random.randrange(2**32)
    print(f"{seed=}")  # noqa: T201 - shown where the test fails
    draw = random.Random(seed)
    change = SHORT_TIMEOUT_PATCH + SUSPEND_PATCH
    with (
        connect(settings.database_url) as connection,
        cli_process(settings, tmp_path, "one", "worker", patch_code=change) as one,
        cli_process(settings, tmp_path, "other", "worker", patch_code=change) as other,
    ):
        created = [fact for number, each in enumerate(TASKS, 1) for fact in task(task_id=each, number=number)]
        oracle.append_facts(connection, [*workspace(), *project(), *created])
        poll_until(lambda: is_folded(connection, log.head(connection)))
        with write_load(settings) as written:
            for number in range(ROUNDS):
                victim = (one, other)[number % 2]
                victim.suspend()
                until = poll_until(lambda: written[-1:])[0]
                time.sleep(draw.choice([0.0, 0.05, 0.2, STOPPED_S + 0.3]))  # how long a pause is, is the test's subject
                poll_until(lambda until=until: is_folded(connection, until), TAKEN_OVER_S)  # type: ignore[misc]
                victim.resume()
        poll_until(lambda: is_folded(connection, log.head(connection)), TAKEN_OVER_S)
        assert oracle.matches_log(connection)

        oracle.append_facts(
            connection, [(TASKS[0], TaskMoved(Change(PROJECT, PROJECT), Change("todo", "stop here"), "open"))]
        )
        poll_until(lambda: one.is_suspended() or other.is_suspended())
        poll_until(lambda: is_folded(connection, log.head(connection)), TAKEN_OVER_S)
        suspended = one if one.is_suspended() else other
        assert suspended.is_suspended(), "it should stay suspended until the other worker has done its work"
        oracle.append_facts(connection, [(TASKS[1], TaskRenamed(Change("a", "the last but one")))])
        poll_until(lambda: is_folded(connection, log.head(connection)), TAKEN_OVER_S)
        suspended.resume()
        assert oracle.matches_log(connection)

        with write_load(settings) as written:
            poll_until(lambda: len(written) > 20)
            one.kill()
            one.wait()
            until = poll_until(lambda: written[-1:])[0]
            poll_until(lambda: is_folded(connection, until), TAKEN_OVER_S)
        poll_until(lambda: is_folded(connection, log.head(connection)), TAKEN_OVER_S)
        assert oracle.matches_log(connection)
        assert not any(oracle.parked_documents(connection, name) for name in all_projections())
        assert one.returncode == -signal.SIGKILL
        still = [line for line in one.read_output().splitlines() if "is stuck" in line]
        assert all("connection" in line for line in still), (
            still
        )  # the server disconnects a client that stalls inside a transaction


@pytest.mark.usefixtures("template_database")
def test_old_and_new_code_run_together_each_on_a_build_of_its_own(settings: Settings, tmp_path: Path) -> None:
    with (
        connect(settings.database_url) as connection,
        cli_process(settings, tmp_path, "old-worker", "worker"),
        cli_process(settings, tmp_path, "old-api", "api", "--port", "0") as old_api,
        cli_process(settings, tmp_path, "new-api", "api", "--port", "0", patch_code=NEWER_CODE_PATCH) as new_api,
    ):
        old, new = (poll_until(lambda api=api: parse_address(api.read_output())) for api in (old_api, new_api))  # type: ignore[misc]
        assert poll_until(lambda: httpx.get(f"{old}/health/ready", timeout=TIMEOUT_S)).status_code == 200
        ann = BlockingApiUser.register(old, "ann@example.com")
        household = ann.post("/workspaces", name="Home")["id"]
        kitchen = ann.post(f"/workspaces/{household}/projects", name="Kitchen", key="KIT")["id"]
        made = [ann.post(f"/projects/{kitchen}/tasks", title=f"Task {number}") for number in range(20)]
        until = made[-1]["position"]
        assert httpx.get(f"{new}/health/ready").status_code == 503, "nothing was built for it yet"
        refused = BlockingApiUser(new, ann.token).http.get(f"/projects/{kitchen}/tasks")
        assert refused.status_code == 503, refused.text
        before = oracle.serving_build(connection, "task_list")

        with cli_process(settings, tmp_path, "new-worker", "worker", patch_code=NEWER_CODE_PATCH):
            poll_until(lambda: httpx.get(f"{new}/health/ready").is_success)
            for number in range(4):
                person = BlockingApiUser((old, new)[number % 2], ann.token)
                until = person.post(f"/tasks/{made[number]['id']}/complete")["position"]
                for address_ in (old, new):
                    seen = BlockingApiUser(address_, ann.token)
                    seen.http.headers["Prefer"] = "wait=20"
                    items = seen.get(f"/projects/{kitchen}/tasks", min_position=until, limit=200, sort="key")["items"]
                    done = [each["status"] == "done" for each in items]
                    assert done == [True] * (number + 1) + [False] * (19 - number)
        assert oracle.serving_build(connection, "task_list") == before
        kinds = "select count(distinct fingerprint), count(distinct build) from read.serving where projection = %s"
        assert connection.execute(kinds, ("task_list",)).fetchone() == (2, 2)
        assert connection.execute(kinds, ("activity",)).fetchone() == (1, 1)
        assert connection.execute("select state from read.operations").fetchall() == [("done",)]
        assert oracle.matches_log(connection)


def parse_address(output: str) -> str | None:
    """The address that a process prints."""
    lines = [line for line in output.splitlines() if line.startswith("Listening at ")]
    return lines[0].split()[2] if lines else None
