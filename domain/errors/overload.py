"""Refusals because of all clients together: the server has no room left."""

from domain.errors.refusal import Refusal


class TooBusy(Refusal):
    """There are too many requests at once. Try again."""


class Overloaded(Refusal):
    """The server has more requests than it can handle. Try again in a moment."""
