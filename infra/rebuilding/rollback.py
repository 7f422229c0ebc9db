"""Rolling back: serve the previous build of a projection again."""

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
    """Catch up the previous build and serve it again; raises OperatorError if there is none."""
    with rebuild_lock(connection, projection):
        previous, live = builds.previous_build(connection, projection), builds.serving_build(connection, projection)
        if previous is None or live is None or not builds.table_exists(connection, previous):
            raise OperatorError(f"{projection.name} has no previous build: there is nothing to go back to.")
        left_out = refold.load_skips(connection, projection)
        advance.catch_up(connection, previous, log.load_after, log.head(connection), left_out)
        with connection.transaction():
            builds.lock_checkpoints(connection, live)
            advance.catch_up(connection, previous, log.load_after, builds.position_range(connection, live)[1], left_out)
            builds.serve_build(connection, previous)
        return previous
