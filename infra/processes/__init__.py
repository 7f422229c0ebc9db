"""Child processes: spawning, supervision and stopping, with the data directory and ports they use."""
