"""Going back: the build that answered before the present one answers again."""

from typing import Any

from infra import log
from infra.errors import OperatorError
from infra.rebuilding import refold
from infra.rebuilding.rebuild import rebuild_lock
from projections.engine import advance, builds
from projections.engine.builds import Build
from projections.engine.connection import SyncConnection
from projections.projection import Projection


def roll_back(connection: SyncConnection, projection: Projection[Any]) -> Build:
    """Let the build answer that answered before, once it has caught up; raises OperatorError where there is none."""
    with rebuild_lock(connection, projection):
        previous, live = (
            builds.previous_build(connection, projection),
            builds.serving_builds(connection).get(projection.name),
        )
        if previous is None or live is None or not builds.table_exists(connection, previous):
            raise OperatorError(
                f"{projection.name} has no build from before the present one: there is nothing to go back to."
            )
        left_out = refold.load_skips(connection, projection)
        advance.catch_up(connection, previous, log.load_after, log.head(connection), left_out)
        with connection.transaction():
            builds.lock_checkpoints(connection, live)
            advance.catch_up(connection, previous, log.load_after, builds.position_range(connection, live)[1], left_out)
            builds.serve_build(connection, previous)
        return previous
