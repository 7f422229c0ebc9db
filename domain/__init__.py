"""What can happen, and what it means: events, states and their folds, with no I/O and no clock."""
