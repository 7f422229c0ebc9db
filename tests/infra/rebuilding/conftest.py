"""The database, its connections and the command line, as the tests of projections have them."""

from tests.projections.conftest import _require_test_database, database, environment, other_connection, owner, run_cli

__all__ = ["_require_test_database", "database", "environment", "other_connection", "owner", "run_cli"]
