"""The engine that runs all projections: builds, folding what is new, parking what cannot be folded."""
