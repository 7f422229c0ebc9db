"""Rate limits, counted in Redis for all processes, and in memory while Redis is unavailable."""
