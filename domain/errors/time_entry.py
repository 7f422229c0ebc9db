"""Refusals about time entries."""

from domain.errors.refusal import Refusal


class TimeEntryIsAnothers(Refusal):
    """Only the user who spent the time can edit an entry."""
