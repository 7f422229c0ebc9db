"""The fixtures of the projection tests: the database, its connections and the command line."""

from tests.projections.conftest import _require_test_database, database, environment, other_connection, owner, run_cli

__all__ = ["_require_test_database", "database", "environment", "other_connection", "owner", "run_cli"]
