"""The engine that runs all projections: builds, folding new events, parking documents that cannot be folded."""
