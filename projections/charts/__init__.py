"""Charts of a project: what its tasks were over time, counted from the log of their versions."""
