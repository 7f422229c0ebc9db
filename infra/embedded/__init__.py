"""Real servers out of wheels: PostgreSQL and Valkey as our own children, on loopback, in the data directory."""
