"""A release that adds an event type: no projection is rebuilt, the API is ready at once, old workers lose nothing."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from psycopg import Connection
from psycopg.rows import TupleRow

from domain import codec
from infra import log
from infra.database.connections import connect
from infra.settings import Settings
from projections import task_list
from projections.projection import all_projections
from tests.e2e.cli_processes import cli_process
from tests.e2e.running_instance import TIMEOUT_S, poll_until
from tests.e2e.test_side_by_side import is_folded, parse_address
from tests.examples import CREATED, OTHER_TASK, RENAMED, TASK, project, user, workspace
from tests.law import planted_defect
from tests.projections import oracle

pytestmark = pytest.mark.slow

NEW_RELEASE_PATCH = """
from pathlib import Path
from domain import task
from domain.event import Change, Event
from projections import fingerprint

class TaskRetitled(Event, frozen=True):
    title: Change[str]

TaskRetitled.__module__ = task.__name__
lines = fingerprint.GOLDEN_PATH.read_text().splitlines()
renamed = next(line for line in lines if '"type":"TaskRenamed"' in line)
fingerprint.GOLDEN_PATH = Path(__file__).with_name("golden.jsonl")
fingerprint.GOLDEN_PATH.write_text("\\n".join([*lines, renamed.replace("TaskRenamed", "TaskRetitled")]))
"""
"""Code with one more event type, of tasks, and a golden line of it. No projection changed."""
ALL_LINES_PATCH = """
from msgspec.structs import replace
digest = fingerprint.digest
fingerprint.digest = lambda projection: digest(replace(projection, golden_lines=1_000_000))
"""
"""The planted defect: a digest covers every golden line."""


@pytest.fixture
def database(settings: Settings) -> Iterator[Connection[TupleRow]]:
    """A database that this code, the old one, has built and used."""
    with connect(settings.database_url) as connection:
        oracle.append_facts(connection, [*user(), *workspace(), *project(), (TASK, CREATED), (OTHER_TASK, CREATED)])
        oracle.catch_up(connection)
        yield connection


def known_builds(database: Connection[TupleRow]) -> list[tuple[object, ...]]:
    return database.execute("select build, projection, fingerprint from read.builds order by build").fetchall()


def a_new_event_type_rebuilds_nothing(
    database: Connection[TupleRow], settings: Settings, folder: Path, patch_code: str
) -> None:
    before = known_builds(database)
    with cli_process(settings, folder, "api", "api", "--port", "0", patch_code=patch_code) as api:
        address = poll_until(lambda: parse_address(api.read_output()))
        assert httpx.get(f"{address}/health/ready", timeout=TIMEOUT_S).status_code == 200, (
            "the builds of the old code are not its own"
        )
    with cli_process(settings, folder, "migrate", "migrate", patch_code=patch_code) as migrate:
        assert migrate.wait(60) == 0
    assert known_builds(database) == before, migrate.read_output()
    with cli_process(settings, folder, "worker", "worker", patch_code=patch_code):
        append_new_event(settings, version=2)
        poll_until(lambda: is_folded(database, log.head(database)))
        poll_until(lambda: not parked_anywhere(database))
    assert oracle.serving_rows(database, task_list.projection)[TASK].title == RENAMED.title.new
    assert known_builds(database) == before
    assert database.execute("select from read.operations").rowcount == 0


def append_new_event(settings: Settings, version: int) -> None:
    state = codec.encode(RENAMED).replace(b"TaskRenamed", b"TaskRetitled")
    with connect(settings.migration_url) as owner:
        owner.execute(
            """insert into log.events (originator_id, originator_version, topic, state, workspace_id)
            select %s, %s, 'TaskRetitled', %s, workspace_id from log.events where originator_id = %s limit 1""",
            (TASK, version, state, TASK),
        )


def parked_anywhere(database: Connection[TupleRow]) -> dict[str, list[str]]:
    parked = {name: oracle.parked_documents(database, name) for name in all_projections()}
    return {name: documents for name, documents in parked.items() if documents}


def test_a_new_event_type_rebuilds_nothing(database: Connection[TupleRow], settings: Settings, tmp_path: Path) -> None:
    a_new_event_type_rebuilds_nothing(database, settings, tmp_path, NEW_RELEASE_PATCH)


def test_a_digest_over_all_golden_lines_is_noticed(
    database: Connection[TupleRow], settings: Settings, tmp_path: Path
) -> None:
    with planted_defect(), pytest.raises(AssertionError, match="not its own"):
        a_new_event_type_rebuilds_nothing(database, settings, tmp_path, NEW_RELEASE_PATCH + ALL_LINES_PATCH)


def test_what_old_code_parks_in_a_shared_build_is_folded_by_new_code(
    database: Connection[TupleRow], settings: Settings, tmp_path: Path
) -> None:
    """The old worker, in this process, reads the new event first."""
    append_new_event(settings, version=2)
    oracle.append_facts(database, [(OTHER_TASK, RENAMED)])
    oracle.catch_up(database)
    parked = parked_anywhere(database)
    assert parked["task_list"] == [str(TASK)]
    rows = oracle.serving_rows(database, task_list.projection)
    assert (rows[TASK].version, rows[OTHER_TASK].version) == (1, 2)
    assert "activity" not in parked, "it accepts unknown events"
    with cli_process(settings, tmp_path, "new-worker", "worker", patch_code=NEW_RELEASE_PATCH):
        poll_until(lambda: not parked_anywhere(database))
        rows = oracle.serving_rows(database, task_list.projection)
        assert (rows[TASK].version, rows[TASK].title) == (2, RENAMED.title.new)
        append_new_event(settings, version=3)
        oracle.catch_up(database)  # both workers are running: the event is parked again, or folded at once
        poll_until(lambda: is_folded(database, log.head(database)) and not parked_anywhere(database))
        assert oracle.serving_rows(database, task_list.projection)[TASK].version == 3
