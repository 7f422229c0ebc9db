"""The error of a version that reads what a newer one wrote."""

from uuid import UUID


class UnknownEvent(Exception):
    """The log holds an event that this version of Taskledger cannot decode."""

    def __init__(self, stored_name: str, stream: UUID | None = None) -> None:
        super().__init__(f"unknown event {stored_name!r}" + (f" in stream {stream}" if stream else ""))
        self.stored_name = stored_name
