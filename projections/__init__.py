"""Read models: each projection folds the log into one table, which can be dropped and rebuilt."""
