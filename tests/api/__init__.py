"""API tests: over HTTP, in this process, against real PostgreSQL and Redis."""
