"""Refusals for want of a right, or of a membership."""

from domain.errors.refusal import Refusal


class NotFound(Refusal):
    """Not found, or not visible to you."""


class Forbidden(Refusal):
    """Your role does not allow this."""


class ScopeTooNarrow(Refusal):
    """This token's scope does not allow this."""
