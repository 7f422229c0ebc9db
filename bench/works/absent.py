"""Absent: works whose feature does not exist yet, and those that another command measures."""

ABSENT = {
    "H1": "a project of 10,000 tasks as of any instant: there is no time travel yet",
    "S1": "1,000 subscribers x 10 events/s: there is no live feed yet",
}
ELSEWHERE = {"G": "growth of the log and of streams: `make bench-growth`"}
"""Not in `make bench`."""
