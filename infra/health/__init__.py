"""Health: whether a process is ready, and how its dependencies are."""
