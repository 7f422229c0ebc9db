"""Reports of a run: results, tables, plots and notes."""
