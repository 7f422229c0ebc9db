"""Progress that is never reported to a sender of hints."""


class ProgressNeverReported:
    """No partition ever reports a position."""

    def reported_position(self, partition: int) -> int:
        del partition
        return -1

    def is_batching(self, partition: int) -> bool:
        del partition
        return False
