"""Absent: works whose feature does not exist yet, and those that another command measures."""

ABSENT = {
    "H1": "no time travel yet",
    "S1": "no live feed yet",
}
ELSEWHERE = {"G": "see `make bench-growth`"}
"""Not in `make bench`."""
