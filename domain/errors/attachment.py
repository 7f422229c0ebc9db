"""Refusals about attachments and their bytes."""

from domain.errors.refusal import Refusal


class AttachmentTooLarge(Refusal):
    """The file is larger than this installation allows."""


class TooManyAttachments(Refusal):
    """The task has the maximum number of attachments."""


class RangeNotSatisfiable(Refusal):
    """The file has no bytes in the requested range."""


class BlobsUnavailable(Refusal):
    """The storage for attachments does not respond. Try again."""
