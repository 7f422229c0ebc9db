"""Queries of the read models by CLI commands."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from psycopg import Connection
from psycopg.rows import TupleRow, dict_row

from infra.errors import OperatorError
from infra.reading import tables
from infra.reading.progress import ProjectionBehind
from projections.engine import builds, table
from projections.question import Answer, Question


def query_read_models(
    connection: Connection[TupleRow], sql: str, parameters: Sequence[object] | Mapping[str, object]
) -> list[TupleRow]:
    """The rows of a query that names read models as `{name}`; raises OperatorError if one is not built yet."""
    with _built():
        return connection.execute(tables.with_table_names(sql, _build_numbers(connection)), parameters).fetchall()


def run_question(connection: Connection[TupleRow], question: Question) -> Answer | None:
    """The answer to a question; raises OperatorError if its read models have not reached its moment."""
    serving = builds.serving_builds(connection)
    found = [serving[one.name] for one in question.projections if one.name in serving]
    required = question.moment.required_position if question.moment else 0
    if builds.position_range(connection, *found)[0] < required:
        raise OperatorError("The read models are behind the log: `taskledger projections list` shows how far they are.")
    with _built(), connection.cursor(row_factory=dict_row) as cursor:
        names = _build_numbers(connection)
        rows = [
            cursor.execute(tables.with_table_names(one.sql, names, question.moment), question.parameters).fetchall()
            for one in question.queries
        ]
    pairs = zip(question.queries, rows, strict=True)
    return question.build_answer(*([table.row_to_struct(one.row_type, row) for row in each] for one, each in pairs))


def _build_numbers(connection: Connection[TupleRow]) -> dict[str, int]:
    return {name: build.number for name, build in builds.serving_builds(connection).items()}


@contextmanager
def _built() -> Iterator[None]:
    try:
        yield
    except ProjectionBehind as error:
        raise OperatorError(
            "The read models are still being built: `taskledger projections list` shows their progress."
        ) from error
