"""The connection pool to PostgreSQL."""
