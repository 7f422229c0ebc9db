"""A blocking HTTP client that acts as one user and knows only the public contract."""

from collections.abc import Iterator
from typing import Any, Self

import httpx

_NO_KEEPALIVE = httpx.Limits(max_keepalive_connections=0)
"""One connection per request: none stays open to a process that is killed."""
PASSWORD = "correct horse battery"


class BlockingApiUser:
    """A logged-in user of an instance at some address."""

    def __init__(self, address: str, token: str = "") -> None:
        self.token = token
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self.http = httpx.Client(base_url=f"{address}/api/v1", headers=headers, timeout=20, limits=_NO_KEEPALIVE)

    @classmethod
    def register(cls, address: str, email: str) -> Self:
        anonymous = cls(address)
        anonymous.post("/auth/register", email=email, name=email.partition("@")[0], password=PASSWORD)
        return cls.log_in(address, email)

    @classmethod
    def log_in(cls, address: str, email: str) -> Self:
        """A client with a new session of this user."""
        session = cls(address).post("/auth/login", email=email, password=PASSWORD)
        return cls(address, session["access_token"])

    def post(self, path: str, **body: Any) -> dict[str, Any]:
        return success_json(self.http.post(path, json=body))

    def get(self, path: str, **parameters: Any) -> dict[str, Any]:
        return success_json(self.http.get(path, params=parameters))

    def iter_items(self, path: str, **parameters: Any) -> Iterator[dict[str, Any]]:
        """Every item of a list, page by page."""
        while True:
            page = self.get(path, **parameters)
            yield from page["items"]
            if not page.get("next_cursor"):
                return
            parameters["cursor"] = page["next_cursor"]


def success_json(response: httpx.Response) -> dict[str, Any]:
    assert response.is_success, f"{response.request.method} {response.request.url}: {response.text}"
    answer: dict[str, Any] = response.json()
    return answer
