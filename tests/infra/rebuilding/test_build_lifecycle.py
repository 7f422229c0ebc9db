"""The lifecycle of builds: unused ones are dropped, skipped events stay out, and no stale answer comes back."""

import pytest
from msgspec.structs import replace
from psycopg.sql import SQL

from domain.projection import EventSkipped, skips_stream_id
from infra.errors import OperatorError
from infra.rebuilding import rebuild, refold, rollback
from infra.rebuilding.outcome import RebuildProgress
from infra.rebuilding.rebuild import ProjectionRebuild, RebuildOptions
from infra.schema import migrate
from infra.settings import Settings
from projections import workspace_list
from projections.engine import parked
from projections.engine.connection import SyncConnection
from projections.projection import all_projections
from tests.examples import ADA, COMPLETED, RENAMED, TASK, project, task, user, workspace
from tests.projections import oracle
from tests.projections.broken_folds import POISON_EVENT, broken_fold, raise_error
from tests.reading_process import open_reading_process

HISTORY = [*user(), *workspace(), *project(), *task(RENAMED)]
EXPECT_CHANGES = RebuildOptions(0, expect_changes=True)


@pytest.fixture(autouse=True)
def _seeded_log(database: SyncConnection) -> None:
    oracle.append_facts(database, HISTORY)
    oracle.catch_up(database)


def task_list_tables(database: SyncConnection) -> set[str]:
    found = database.execute("select tablename from pg_tables where schemaname = 'read' and tablename ~ '^task_list_'")
    return {name for (name,) in found}


def test_a_table_in_use_is_dropped_at_the_next_switch(
    database: SyncConnection, other_connection: SyncConnection, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, code = oracle.serving_build(database, "task_list"), all_projections()["task_list"]

    def deployed(version: int) -> None:
        monkeypatch.setitem(all_projections(), "task_list", replace(code, version=version))
        assert oracle.rebuild_inline(settings.database_url, "task_list", EXPECT_CHANGES).switched

    deployed(12)
    with other_connection.transaction():
        other_connection.execute(SQL("select from {}").format(first.table_name))
        deployed(13)
    assert f"task_list_{first.number}" in task_list_tables(database)
    deployed(14)
    assert f"task_list_{first.number}" not in task_list_tables(database)


def test_an_unfinished_build_of_other_code_is_dropped(
    database: SyncConnection, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = all_projections()["task_list"]
    with monkeypatch.context() as other:
        other.setitem(all_projections(), "task_list", replace(code, version=1_000))
        half = ProjectionRebuild(  # noqa: SLF001 - and killed here
            settings.database_url, all_projections()["task_list"], EXPECT_CHANGES, lambda _: None
        )._begin_build(database)
    assert f"task_list_{half.number}" in task_list_tables(database)
    assert oracle.rebuild_inline(settings.database_url, "task_list").switched
    assert f"task_list_{half.number}" not in task_list_tables(database)


def test_a_projection_with_other_keys_is_switched_without_comparison(
    database: SyncConnection, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(
        all_projections(), "task_list", replace(all_projections()["activity"], name="task_list", version=1_000)
    )
    outcome = oracle.rebuild_inline(settings.database_url, "task_list", EXPECT_CHANGES)
    assert (outcome.switched, outcome.compared) == (True, False)
    assert oracle.matches_log(database)


def test_a_live_build_that_is_far_behind_is_refused_before_all_the_work(
    database: SyncConnection, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rebuild, "MAX_COMPARE_LAG_EVENTS", 2)
    oracle.append_facts(database, [(TASK, COMPLETED)] * 3)
    for options in (RebuildOptions(0), RebuildOptions(0, verify_only=True)):
        with pytest.raises(OperatorError, match="3 events behind, too many to compare"):
            oracle.rebuild_inline(settings.database_url, "task_list", options)
    assert oracle.rebuild_inline(settings.database_url, "task_list", EXPECT_CHANGES).switched


def test_a_verification_does_not_advance_the_live_build(database: SyncConnection, settings: Settings) -> None:
    before = oracle.checkpoint_position(database, "task_list")
    oracle.append_facts(database, [(TASK, COMPLETED)])
    outcome = oracle.rebuild_inline(settings.database_url, "task_list", RebuildOptions(0, verify_only=True))
    assert (outcome.compared, outcome.differences) == (True, 0)
    assert oracle.checkpoint_position(database, "task_list") == before


def test_skipped_events_stay_out_of_a_rolled_back_build(database: SyncConnection, settings: Settings) -> None:
    with broken_fold("task_list", raise_error):
        assert oracle.rebuild_inline(settings.database_url, "task_list").switched
        oracle.append_facts(database, [(TASK, POISON_EVENT)])
        oracle.catch_up(database)
        skip_poison(database)
        rollback.roll_back(database, all_projections()["task_list"])
        assert not oracle.parked_documents(database, "task_list")


def test_events_skipped_during_a_rebuild_stay_out_of_it(database: SyncConnection, settings: Settings) -> None:
    def tell(step: RebuildProgress) -> None:
        if step.phase == "indexing" and not step.done:
            oracle.append_facts(database, [(TASK, POISON_EVENT)])
            oracle.catch_up(database)
            skip_poison(database)

    with broken_fold("task_list", raise_error):
        outcome = ProjectionRebuild(settings.database_url, all_projections()["task_list"], EXPECT_CHANGES, tell).run()
        assert (outcome.switched, outcome.parked) == (True, 0)


async def test_cached_answers_do_not_survive_a_reset_of_builds(
    database: SyncConnection, owner: SyncConnection, settings: Settings
) -> None:
    """`read` is not in a backup: builds are numbered from 1 again, and the cache still has the old answers."""
    question = workspace_list.for_user(ADA.id)
    async with open_reading_process(settings) as here:
        reset_read_schema(owner, settings)
        owner.execute(SQL("truncate {}").format(oracle.serving_build(owner, "workspace_list").table_name))
        empty = (await here.reader.answer(question)).answer
        reset_read_schema(owner, settings)
        whole = (await here.reader.answer(question)).answer
    assert empty is not None
    assert whole is not None
    assert empty.body != whole.body


def reset_read_schema(owner: SyncConnection, settings: Settings) -> None:
    for name in all_projections():
        tables = oracle.serving_build(owner, name).table_names
        owner.execute(SQL("drop table {}").format(SQL(", ").join(tables)))
    owner.execute("truncate read.builds restart identity cascade")
    migrate.migrate(settings.migration_url, settings.database_url)


def skip_poison(database: SyncConnection) -> None:
    """Skip the poison event of the task, as the administrator's command does."""
    (one,) = parked.all_parked(database, oracle.serving_build(database, "task_list"))
    oracle.append_facts(
        database, [(skips_stream_id("task_list"), EventSkipped(one.document, one.position, "it is poison"))]
    )
    assert refold.retry_parked(database, oracle.serving_build(database, "task_list"), one) is None
