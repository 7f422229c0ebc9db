"""The outside world: PostgreSQL, Redis, Dramatiq, the servers we start, settings, secrets. All I/O lives here."""
