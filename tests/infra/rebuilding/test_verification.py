"""Verification folds the log afresh and compares: correct rows pass, each wrong one is named with its events (P5)."""

import threading
from functools import partial
from typing import Any

import pytest
from psycopg.sql import SQL

from domain.event import Change
from domain.task import TaskRenamed
from infra.database.connections import connect
from infra.rebuilding.rebuild import ProjectionRebuild
from infra.settings import Settings
from infra.worker.projector import Projector
from projections.engine import comparison
from projections.engine.connection import SyncConnection
from projections.projection import all_projections
from projections.task_list import StoredTaskRow
from tests.cli.conftest import RunCli
from tests.e2e.running_instance import poll_until
from tests.examples import OTHER_TASK, RENAMED, TASK, fixed_uuid7, project, task, workspace
from tests.planted_defects import assert_check_fails
from tests.projections import oracle

INVENTED_TASK = fixed_uuid7(777)
HISTORY = [*workspace(), *project(), *task(), *task(task_id=OTHER_TASK, number=2), (TASK, RENAMED)]
_FIELDS = ", ".join(f'"{name}"' for name in StoredTaskRow.__struct_fields__)
COPY_ROW_SQL = f"""insert into {{table}} ({_FIELDS}) select {_FIELDS} from (
      select (jsonb_populate_record(task, jsonb_build_object('id', %s::text))).* from {{table}} as task limit 1
    ) as one"""  # noqa: S608 - our own text


@pytest.fixture(autouse=True)
def _inline_fold_pool(database: SyncConnection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("infra.rebuilding.rebuild.open_fold_pool", oracle.inline_fold_pool)
    oracle.append_facts(database, HISTORY)
    oracle.catch_up(database)


def test_correct_rows_are_reported_as_correct_and_unchanged(database: SyncConnection, run_cli: RunCli) -> None:
    builds = {name: oracle.serving_build(database, name).number for name in all_projections()}
    found = run_cli("projections", "verify")
    assert found.exit_code == 0, found.output
    assert found.output.count("The live rows are right.") == len(all_projections())
    assert {name: oracle.serving_build(database, name).number for name in all_projections()} == builds
    assert database.execute("select count(*) from read.builds").fetchone() == (len(all_projections()),)


def each_wrong_row_is_named(database: SyncConnection, typed: RunCli) -> None:
    """One row corrupted, one deleted, one invented."""
    live = oracle.serving_build(database, "task_list").table_name
    database.execute(SQL("update {} set title = 'Buy nothing', version = 9 where id = %s").format(live), (TASK,))
    database.execute(SQL("delete from {} where id = %s").format(live), (OTHER_TASK,))
    database.execute(SQL(COPY_ROW_SQL).format(table=live), (str(INVENTED_TASK),))
    found = typed("projections", "verify", "task_list")
    assert found.exit_code == 1
    assert "3 rows differ from the live ones." in found.output
    renamed = oracle.position_of(database, RENAMED)
    assert f"  {TASK}, by {renamed} TaskRenamed:" in found.output
    assert "    title is 'Buy nothing', should be 'Buy bread'" in found.output
    assert "    version is 9, should be 2" in found.output
    assert f"  {OTHER_TASK}, by 8 TaskCreated:" in found.output
    assert "    title is None, should be 'Buy milk'" in found.output
    assert f"  {INVENTED_TASK}, by no event:" in found.output
    assert oracle.serving_rows(database, all_projections()["task_list"])[TASK].title == "Buy nothing", (
        "verifying mends nothing"
    )
    assert typed("projections", "verify", "activity").exit_code == 0


def test_each_wrong_row_is_named_with_its_events(database: SyncConnection, run_cli: RunCli) -> None:
    each_wrong_row_is_named(database, run_cli)


def test_a_comparison_that_misses_absent_rows_is_noticed(
    database: SyncConnection, run_cli: RunCli, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The planted defect: missing and extra rows of the live table are not found."""
    query = comparison._comparison_sql  # noqa: SLF001 - the defect belongs in this function

    def careless(*arguments: Any) -> SQL:
        return SQL(query(*arguments).as_string().replace("full join", "join").replace("{", "{{").replace("}", "}}"))

    monkeypatch.setattr(comparison, "_comparison_sql", careless)
    assert_check_fails(partial(each_wrong_row_is_named, database, run_cli))


def verification_ignores_concurrent_folds(settings: Settings, verifications: int) -> None:
    """Tasks are renamed continuously, and the live build advances while it is compared."""
    over, folded = threading.Event(), list[int]()

    def work() -> None:
        projector = Projector(settings.database_url, 1, lambda progress: folded.append(progress.events))
        with connect(settings.database_url) as connection:
            while not over.is_set():
                title = TaskRenamed(Change("a", f"title {len(folded)}"))
                oracle.append_facts(connection, [(TASK, title), (OTHER_TASK, title)])
                projector.project(0)
        projector.close()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        for number in range(verifications):
            begun = len(folded)
            name = ("task_list", "project_list", "activity")[number % 3]
            outcome = ProjectionRebuild(
                settings.database_url, all_projections()[name], oracle.VERIFY_ONLY, lambda _: None
            ).run()
            assert outcome.compared
            assert not outcome.differences, outcome.first
            poll_until(lambda begun=begun: len(folded) > begun)  # type: ignore[misc]
    finally:
        over.set()
        thread.join()


def test_concurrent_folds_are_no_difference(settings: Settings) -> None:
    verification_ignores_concurrent_folds(settings, 6)


def test_a_comparison_of_two_moments_is_noticed(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """The planted defect: current live rows are compared with older fresh ones."""
    monkeypatch.setattr(ProjectionRebuild, "_touched_keys", lambda *_: set())
    assert_check_fails(partial(verification_ignores_concurrent_folds, settings, 12))
