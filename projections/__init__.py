"""Questions kept answered: each projection folds the log into one table, which can be thrown away and rebuilt."""
