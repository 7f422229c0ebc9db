"""The domain: events, states and their folds, without I/O and without a clock."""
