"""Housekeeping against real servers: a missing projection is rebuilt, in a process of its own."""

from contextlib import closing

from infra.settings import Settings
from infra.worker.housekeeping import Housekeeping
from projections.engine import builds
from projections.engine.connection import SyncConnection
from tests.e2e.running_instance import poll_until
from tests.examples import project, task, workspace
from tests.projections import oracle


def test_housekeeping_rebuilds_a_missing_projection_in_a_subprocess(
    database: SyncConnection, settings: Settings
) -> None:
    oracle.append_facts(database, [*workspace(), *project(), *task()])
    oracle.catch_up(database)
    database.execute("delete from read.serving where projection = 'task_list'")
    with closing(Housekeeping(settings)) as keeper, closing(Housekeeping(settings)) as other:

        def is_built() -> bool:
            keeper.run_once()
            other.run_once()
            return not builds.unbuilt_projections(database)

        poll_until(is_built)
        poll_until(lambda: database.execute("select from read.operations where state = 'done'").fetchall())
    assert database.execute("select kind, count(*) from read.operations group by 1").fetchall() == [("rebuild", 1)]
    oracle.catch_up(database)
    assert oracle.matches_log(database)
