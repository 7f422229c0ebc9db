"""Refusals about proposals."""

from domain.errors.refusal import Refusal


class NotProposable(Refusal):
    """Only what the members of one workspace share can be proposed."""


class NothingProposed(Refusal):
    """These commands would change nothing."""


class ProposalClosed(Refusal):
    """This proposal was accepted or declined already."""


class ProposalOutdated(Refusal):
    """What this proposal is about has changed since."""
