"""Absent: works whose feature does not exist yet, and those that another command measures."""

NOT_YET_MEASURED = {
    "H1": "no time travel yet",
    "S1": "no live feed yet",
}
MEASURED_BY_OTHER_COMMANDS = {"G": "see `make bench-growth`"}
"""Not in `make bench`."""
