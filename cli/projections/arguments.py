"""Arguments that several commands share: the name of a projection, `--workers`."""

from typing import Any

import click

from infra.errors import OperatorError
from projections.projection import Projection, all_projections, find_projection

workers_option = click.option(
    "--workers",
    "processes",
    type=click.IntRange(1, 64),
    metavar="N",
    help="Number of processes that fold. Default: one for each core, or none for a small log.",
)


def require_projection(name: str) -> Projection[Any]:
    """The projection of that name; raises OperatorError if there is none."""
    projection = find_projection(name)
    if projection is None:
        raise OperatorError(f"There is no projection {name!r}. Choose one of {', '.join(all_projections())}.")
    return projection
