"""Going back: the build that answered before the present one answers again."""

from typing import Any

from infra import log
from infra.errors import OperatorError
from infra.rebuilding import refold
from infra.rebuilding.rebuild import held
from projections.engine import advance, builds
from projections.engine.builds import Build, Database
from projections.projection import Projection


def roll_back(connection: Database, projection: Projection[Any]) -> Build:
    """Let the build answer that answered before, once it has caught up; raises OperatorError where there is none."""
    with held(connection, projection):
        before, live = builds.previous(connection, projection), builds.serving(connection).get(projection.name)
        if before is None or live is None or not builds.is_there(connection, before):
            raise OperatorError(
                f"{projection.name} has no build from before the present one: there is nothing to go back to."
            )
        left_out = refold.skips(connection, projection)
        advance.follow(connection, before, log.after, log.head(connection), left_out)
        with connection.transaction():
            builds.freeze(connection, live)
            advance.follow(connection, before, log.after, builds.span(connection, live)[1], left_out)
            builds.serve(connection, before)
        return before
