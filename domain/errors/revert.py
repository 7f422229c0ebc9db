"""Refusals about taking changes back."""

from domain.errors.refusal import Refusal


class AlreadyReverted(Refusal):
    """This has been taken back already."""


class NotRevertible(Refusal):
    """This cannot be taken back."""


class PreviewIsStale(Refusal):
    """What you previewed has changed since. Preview it again."""


class RevertCollides(Refusal):
    """What you take back was changed again since."""


class TooManyToRevert(Refusal):
    """This changed more than can be taken back at once."""
