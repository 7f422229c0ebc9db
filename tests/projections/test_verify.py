"""Verifying folds the log afresh and compares: right is right, and whatever is wrong is named with its events (P5)."""

import threading
from functools import partial
from typing import Any

import pytest
from psycopg.sql import SQL

from domain.event import Change
from domain.task import TaskRenamed
from infra.database.pool import connect
from infra.rebuilding.rebuild import ProjectionRebuild
from infra.settings import Settings
from infra.worker.projector import Projector
from projections.engine import differences
from projections.engine.builds import SyncConnection
from projections.projection import all_projections
from projections.task_list import StoredTaskRow
from tests.cli.conftest import Type
from tests.defects import noticed
from tests.e2e.running import fact
from tests.examples import OTHER_TASK, RENAMED, TASK, id7, project, task, workspace
from tests.projections import oracle

STRANGER = id7(777)
STORY = [*workspace(), *project(), *task(), *task(task_id=OTHER_TASK, number=2), (TASK, RENAMED)]
_FIELDS = ", ".join(f'"{name}"' for name in StoredTaskRow.__struct_fields__)
COPY = f"""insert into {{table}} ({_FIELDS}) select {_FIELDS} from (
      select (jsonb_populate_record(task, jsonb_build_object('id', %s::text))).* from {{table}} as task limit 1
    ) as one"""  # noqa: S608 - our own text


@pytest.fixture(autouse=True)
def _alone(database: SyncConnection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("infra.rebuilding.rebuild.open_fold_pool", oracle._alone)  # noqa: SLF001 - a crew that is no process
    oracle.write(database, STORY)
    oracle.catch_up(database)


def test_what_is_right_is_said_to_be_right_and_stays(database: SyncConnection, typed: Type) -> None:
    builds = {name: oracle.build_of(database, name).number for name in all_projections()}
    found = typed("projections", "verify")
    assert found.exit_code == 0, found.output
    assert found.output.count("The live rows are right.") == len(all_projections())
    assert {name: oracle.build_of(database, name).number for name in all_projections()} == builds
    assert database.execute("select count(*) from read.builds").fetchone() == (len(all_projections()),)


def each_wrong_row_is_named(database: SyncConnection, typed: Type) -> None:
    """One spoilt, one deleted, one invented."""
    live = oracle.build_of(database, "task_list").table_name
    database.execute(SQL("update {} set title = 'Buy nothing', version = 9 where id = %s").format(live), (TASK,))
    database.execute(SQL("delete from {} where id = %s").format(live), (OTHER_TASK,))
    database.execute(SQL(COPY).format(table=live), (str(STRANGER),))
    found = typed("projections", "verify", "task_list")
    assert found.exit_code == 1
    assert "3 rows differ from the live ones." in found.output
    renamed = oracle.place(database, RENAMED)
    assert f"  {TASK}, by {renamed} TaskRenamed:" in found.output
    assert "    title is 'Buy nothing', should be 'Buy bread'" in found.output
    assert "    version is 9, should be 2" in found.output
    assert f"  {OTHER_TASK}, by 8 TaskCreated:" in found.output
    assert "    title is None, should be 'Buy milk'" in found.output
    assert f"  {STRANGER}, by no event:" in found.output
    assert oracle.shown(database, all_projections()["task_list"])[TASK].title == "Buy nothing", (
        "verifying mends nothing"
    )
    assert typed("projections", "verify", "activity").exit_code == 0


def test_each_wrong_row_is_named_with_its_events(database: SyncConnection, typed: Type) -> None:
    each_wrong_row_is_named(database, typed)


def test_a_comparison_of_what_is_shown_only_is_noticed(
    database: SyncConnection, typed: Type, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The planted defect: what the live table lacks, or has too much, is not found."""
    query = differences._comparison_sql  # noqa: SLF001 - a defect is planted where it would be made

    def careless(*arguments: Any) -> SQL:
        return SQL(query(*arguments).as_string().replace("full join", "join").replace("{", "{{").replace("}", "}}"))

    monkeypatch.setattr(differences, "_comparison_sql", careless)
    noticed(partial(each_wrong_row_is_named, database, typed))


def nothing_differs_while_events_are_folded(settings: Settings, verifications: int) -> None:
    """Somebody renames the tasks all the time, and the live build moves on while it is compared."""
    over, folded = threading.Event(), list[int]()

    def work() -> None:
        projector = Projector(settings.database_url, 1, lambda progress: folded.append(progress.events))
        with connect(settings.database_url) as connection:
            while not over.is_set():
                title = TaskRenamed(Change("a", f"title {len(folded)}"))
                oracle.write(connection, [(TASK, title), (OTHER_TASK, title)])
                projector.project(0)
        projector.close()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        for number in range(verifications):
            begun = len(folded)
            name = ("task_list", "project_list", "activity")[number % 3]
            outcome = ProjectionRebuild(
                settings.database_url, all_projections()[name], oracle.VERIFY, lambda _: None
            ).run()
            assert outcome.compared
            assert not outcome.differences, outcome.first
            fact(lambda begun=begun: len(folded) > begun)  # type: ignore[misc]
    finally:
        over.set()
        thread.join()


def test_what_is_folded_meanwhile_is_no_difference(settings: Settings) -> None:
    nothing_differs_while_events_are_folded(settings, 6)


def test_a_comparison_of_two_moments_is_noticed(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """The planted defect: the live rows as they are now, the fresh ones as they were."""
    monkeypatch.setattr(ProjectionRebuild, "_touched_keys", lambda *_: set())
    noticed(partial(nothing_differs_while_events_are_folded, settings, 12))
