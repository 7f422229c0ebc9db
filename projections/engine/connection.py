"""The blocking database connection that folding and rebuilding use."""

from typing import TypeAlias

from psycopg import Connection
from psycopg.rows import TupleRow

SyncConnection: TypeAlias = Connection[TupleRow]
