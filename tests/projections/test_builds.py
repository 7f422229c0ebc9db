"""Builds: what nobody can ask any more goes, what was decided stays decided, and nothing old comes back."""

import pytest
from msgspec.structs import replace
from psycopg.sql import SQL

from domain.projection import EventSkipped, skips_stream_id
from infra.errors import OperatorError
from infra.rebuilding import rebuild, refold, rollback
from infra.rebuilding.outcome import RebuildOptions, RebuildProgress
from infra.rebuilding.rebuild import ProjectionRebuild
from infra.schema import migrate
from infra.settings import Settings
from projections import workspace_list
from projections.engine import parked
from projections.engine.builds import SyncConnection
from projections.projection import all_projections
from tests.examples import ADA, COMPLETED, RENAMED, TASK, project, task, user, workspace
from tests.projections import oracle
from tests.projections.spoilt import POISON, failing, spoilt
from tests.reader import open_reading_process

STORY = [*user(), *workspace(), *project(), *task(RENAMED)]
EXPECTED = RebuildOptions(0, expect_changes=True)


@pytest.fixture(autouse=True)
def _story(database: SyncConnection) -> None:
    oracle.write(database, STORY)
    oracle.catch_up(database)


def tables(database: SyncConnection) -> set[str]:
    found = database.execute("select tablename from pg_tables where schemaname = 'read' and tablename ~ '^task_list_'")
    return {name for (name,) in found}


def test_a_table_that_was_read_when_it_should_go_goes_later(
    database: SyncConnection, rival: SyncConnection, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, code = oracle.build_of(database, "task_list"), all_projections()["task_list"]

    def deployed(version: int) -> None:
        monkeypatch.setitem(all_projections(), "task_list", replace(code, version=version))
        assert oracle.rebuilt(settings.database_url, "task_list", EXPECTED).switched

    deployed(12)
    with rival.transaction():
        rival.execute(SQL("select from {}").format(first.table_name))
        deployed(13)
    assert f"task_list_{first.number}" in tables(database)
    deployed(14)
    assert f"task_list_{first.number}" not in tables(database)


def test_half_a_build_of_code_that_never_answered_goes_too(
    database: SyncConnection, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = all_projections()["task_list"]
    with monkeypatch.context() as other:
        other.setitem(all_projections(), "task_list", replace(code, version=12))
        half = ProjectionRebuild(  # noqa: SLF001 - and killed here
            settings.database_url, all_projections()["task_list"], EXPECTED, lambda _: None
        )._begin_build(database)
    assert f"task_list_{half.number}" in tables(database)
    assert oracle.rebuilt(settings.database_url, "task_list").switched
    assert f"task_list_{half.number}" not in tables(database)


def test_code_with_other_keys_is_deployed_without_a_comparison(
    database: SyncConnection, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(
        all_projections(), "task_list", replace(all_projections()["task_history"], name="task_list", version=12)
    )
    outcome = oracle.rebuilt(settings.database_url, "task_list", EXPECTED)
    assert (outcome.switched, outcome.compared) == (True, False)
    assert oracle.is_right(database)


def test_a_live_build_that_is_far_behind_is_refused_before_all_the_work(
    database: SyncConnection, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rebuild, "MAX_COMPARE_LAG_EVENTS", 2)
    oracle.write(database, [(TASK, COMPLETED)] * 3)
    for wish in (RebuildOptions(0), RebuildOptions(0, verify_only=True)):
        with pytest.raises(OperatorError, match="3 events behind, too many to compare"):
            oracle.rebuilt(settings.database_url, "task_list", wish)
    assert oracle.rebuilt(settings.database_url, "task_list", EXPECTED).switched


def test_a_comparison_leaves_the_live_rows_where_they_are(database: SyncConnection, settings: Settings) -> None:
    before = oracle.position(database, "task_list")
    oracle.write(database, [(TASK, COMPLETED)])
    outcome = oracle.rebuilt(settings.database_url, "task_list", RebuildOptions(0, verify_only=True))
    assert (outcome.compared, outcome.differences) == (True, 0)
    assert oracle.position(database, "task_list") == before


def test_what_was_skipped_stays_out_of_a_build_that_is_gone_back_to(
    database: SyncConnection, settings: Settings
) -> None:
    with spoilt("task_list", failing):
        assert oracle.rebuilt(settings.database_url, "task_list").switched
        oracle.write(database, [(TASK, POISON)])
        oracle.catch_up(database)
        skipped(database)
        rollback.roll_back(database, all_projections()["task_list"])
        assert not oracle.parked_in(database, "task_list")


def test_what_is_skipped_while_a_rebuild_goes_on_stays_out_of_it(database: SyncConnection, settings: Settings) -> None:
    def tell(step: RebuildProgress) -> None:
        if step.phase == "indexing" and not step.done:
            oracle.write(database, [(TASK, POISON)])
            oracle.catch_up(database)
            skipped(database)

    with spoilt("task_list", failing):
        outcome = ProjectionRebuild(settings.database_url, all_projections()["task_list"], EXPECTED, tell).run()
        assert (outcome.switched, outcome.parked) == (True, 0)


async def test_no_answer_comes_back_when_all_is_folded_anew(
    database: SyncConnection, owner: SyncConnection, settings: Settings
) -> None:
    """`read` is left out of a backup: builds are numbered from 1 again, and the cache has the answers of before."""
    question = workspace_list.for_user(ADA.id)
    async with open_reading_process(settings) as here:
        anew(owner, settings)
        owner.execute(SQL("truncate {}").format(oracle.build_of(owner, "workspace_list").table_name))
        empty = (await here.reading.answer(question)).answer
        anew(owner, settings)
        whole = (await here.reading.answer(question)).answer
    assert empty is not None
    assert whole is not None
    assert empty.body != whole.body


def anew(owner: SyncConnection, settings: Settings) -> None:
    for name in all_projections():
        owner.execute(SQL("drop table {}").format(oracle.build_of(owner, name).table_name))
    owner.execute("truncate read.builds restart identity cascade")
    migrate.migrate(settings.migration_url, settings.database_url)


def skipped(database: SyncConnection) -> None:
    """The poison is left out of the task, as the administrator's command does it."""
    (one,) = parked.all_parked(database, oracle.build_of(database, "task_list"))
    oracle.write(database, [(skips_stream_id("task_list"), EventSkipped(one.document, one.position, "it is poison"))])
    assert refold.retry_parked(database, oracle.build_of(database, "task_list"), one) is None
