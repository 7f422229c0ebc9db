"""Streams as they are named on the command line."""

from uuid import UUID

from psycopg import Connection
from psycopg.rows import TupleRow

from cli.read_models import query_read_models
from infra.errors import OperatorError
from projections import project_list, task_list


def resolve_stream_id(connection: Connection[TupleRow], id_or_key: str) -> UUID:
    """The id itself, or the id of the only task with that key."""
    try:
        return UUID(id_or_key)
    except ValueError:
        rows = query_read_models(connection, task_list.IDS_BY_KEY_SQL, {"key": id_or_key.upper()})
    if len(rows) != 1:
        problem = (
            f"Several tasks have the key {id_or_key}" if rows else f"{id_or_key} is no id and no task has that key"
        )
        raise OperatorError(f"{problem}: use the id.") from None
    return UUID(str(rows[0][0]))


def find_project(connection: Connection[TupleRow], name: str) -> tuple[UUID, UUID]:
    """The project with a key or an id, and its workspace; raises OperatorError."""
    rows = query_read_models(connection, project_list.IDS_BY_NAME_SQL, {"name": name.upper()})
    if len(rows) != 1:
        problem = f"Several projects have the key {name}: use the id." if rows else f"There is no project {name}."
        raise OperatorError(problem)
    return UUID(str(rows[0][0])), UUID(str(rows[0][1]))
