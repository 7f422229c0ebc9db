"""Scenarios that are not measured: their feature does not exist yet, or another command measures them."""

NOT_YET_MEASURED = {
    "S1": "no live feed yet",
}
MEASURED_BY_OTHER_COMMANDS = {"G": "see `make bench-growth`", "H1": "see `make bench-growth`"}
"""Scenarios that `make bench` does not run."""
