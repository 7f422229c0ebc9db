"""Refusals about what is, or was, in the trash."""

from domain.errors.refusal import Refusal


class NotTrashed(Refusal):
    """This is not in the trash."""


class Purged(Refusal):
    """This was permanently deleted from the trash."""
