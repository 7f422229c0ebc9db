"""An HTTP target: something on a server that clients read or change."""

from msgspec import Struct


class HttpTarget(Struct, frozen=True):
    """The path of something on the server, the version that it is at, and what is shown there, where that matters."""

    path: str
    version: int = 0
    expected_body: str = ""


NEW_TASK = {
    "title": "Buy oat milk for the spring festival",
    "description": "Four crates, from the farm if they have them. Ask Ann who drives, and keep the receipt.",
    "priority": "high",
    "due": "2027-03-01",
    "labels": ["food", "before Friday"],
}
"""The task that every create asks for, ours and the peer's."""
