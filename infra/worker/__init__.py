"""The worker: folds new events into projections, and does the housekeeping."""
