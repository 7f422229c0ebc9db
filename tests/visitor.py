"""A visitor: somebody who uses Taskledger over HTTP and knows nothing of what is behind it."""

from collections.abc import Callable
from typing import Any, Self
from uuid import uuid4

import httpx

PASSWORD = "correct horse battery"


class Visitor:
    """A logged-in user, with a workspace and a project of their own."""

    def __init__(self, client: httpx.AsyncClient, fold: Callable[[], None], token: str) -> None:
        self.client = client
        self.fold = fold
        self.headers = {"Authorization": f"Bearer {token}"}
        self.id = self.workspace = self.project = self.email = ""

    @classmethod
    async def settled(cls, client: httpx.AsyncClient, fold: Callable[[], None], name: str) -> Self:
        """Register, log in, open a workspace and a project."""
        email = f"{name.lower()}-{uuid4().hex}@example.com"
        user = await client.post("/auth/register", json={"email": email, "name": name, "password": PASSWORD})
        login = await client.post("/auth/login", json={"email": email, "password": PASSWORD})
        visitor = cls(client, fold, login.json()["access_token"])
        visitor.id, visitor.email = user.json()["id"], email
        visitor.workspace = (await visitor.post("/workspaces", name="Home"))["id"]
        project = await visitor.post(f"/workspaces/{visitor.workspace}/projects", name="Kitchen", key="KIT")
        visitor.project = project["id"]
        return visitor

    async def ask(self, method: str, path: str, **request: Any) -> httpx.Response:
        """Any request, as this user."""
        headers = {**self.headers, **request.pop("headers", {})}
        return await self.client.request(method, path, headers=headers, **request)

    async def post(self, path: str, **body: Any) -> dict[str, Any]:
        """A command that must be carried out."""
        response = await self.ask("POST", path, json=body)
        assert response.is_success, response.text
        answer: dict[str, Any] = response.json()
        return answer

    async def get(self, path: str) -> dict[str, Any]:
        """A query that must be answered, once the read models are up to date."""
        self.fold()
        response = await self.ask("GET", path)
        assert response.status_code == 200, response.text
        answer: dict[str, Any] = response.json()
        return answer

    async def task(self, title: str = "Milk", **fields: Any) -> str:
        """The id of a new task."""
        return str((await self.post(f"/projects/{self.project}/tasks", title=title, **fields))["id"])
