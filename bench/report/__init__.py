"""What was measured, written down: marks, tables, plots, notes."""
