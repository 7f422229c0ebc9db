"""Queries of the read models by CLI commands."""

from collections.abc import Mapping, Sequence

from psycopg import Connection
from psycopg.rows import TupleRow

from infra.errors import OperatorError
from infra.reading import tables
from infra.reading.progress import ProjectionBehind
from projections.engine import builds


def query_read_models(
    connection: Connection[TupleRow], sql: str, parameters: Sequence[object] | Mapping[str, object]
) -> list[TupleRow]:
    """The rows of a query that names read models as `{name}`; raises OperatorError if one is not built yet."""
    build_numbers = {name: build.number for name, build in builds.serving_builds(connection).items()}
    try:
        return connection.execute(tables.with_table_names(sql, build_numbers), parameters).fetchall()
    except ProjectionBehind as error:
        raise OperatorError(
            "The read models are still being built: `taskledger projections list` shows their progress."
        ) from error
