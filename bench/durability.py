"""Durability: what PostgreSQL says of itself, because a figure without it is worth nothing."""

from psycopg import Connection
from psycopg.rows import TupleRow

WANTED = ("fsync", "synchronous_commit", "full_page_writes")
_SAID = "select name, setting from pg_settings where name = any(%s) order by name"


class NotDurable(Exception):
    """Acknowledged work could be lost, so nothing is measured."""


def durable(connection: Connection[TupleRow]) -> dict[str, str]:
    """The settings that make a commit durable; raises NotDurable unless all of them are on."""
    said: dict[str, str] = dict(connection.execute(_SAID, (list(WANTED),)).fetchall())
    if said != dict.fromkeys(WANTED, "on"):
        raise NotDurable(said)
    return said
