"""Progress of which a sender of hints hears nothing."""


class ProgressNeverReported:
    """Nothing is heard of any partition."""

    def reported_position(self, partition: int) -> int:
        del partition
        return -1

    def is_batching(self, partition: int) -> bool:
        del partition
        return False
