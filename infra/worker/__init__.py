"""The worker: folds what is new, and keeps house."""
