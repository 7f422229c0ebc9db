"""An HTTP target: a resource that clients read or change."""

from msgspec import Struct


class HttpTarget(Struct, frozen=True):
    """The path of a resource, its current version, and its expected body, where these matter."""

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
"""The body of every create, against our instance and the peers."""
