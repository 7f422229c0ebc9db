"""A visitor: somebody who uses Taskledger over HTTP and knows nothing of what is behind it."""

from collections.abc import Callable
from typing import Any, Self
from uuid import uuid4

import httpx

PASSWORD = "correct horse battery"


class ApiUser:
    """A logged-in user, with a workspace and a project of their own."""

    def __init__(self, client: httpx.AsyncClient, fold: Callable[[], None], token: str) -> None:
        self.client = client
        self.fold = fold
        self.headers = {"Authorization": f"Bearer {token}"}
        self.id = self.workspace = self.project = self.email = self.refresh_token = ""

    @classmethod
    async def register_with_project(cls, client: httpx.AsyncClient, fold: Callable[[], None], name: str) -> Self:
        """Register, log in, open a workspace and a project."""
        email = f"{name.lower()}-{uuid4().hex}@example.com"
        user = await client.post("/auth/register", json={"email": email, "name": name, "password": PASSWORD})
        login = await client.post("/auth/login", json={"email": email, "password": PASSWORD})
        visitor = cls(client, fold, login.json()["access_token"])
        visitor.id, visitor.email, visitor.refresh_token = user.json()["id"], email, login.json()["refresh_token"]
        visitor.workspace = (await visitor.post("/workspaces", name="Home"))["id"]
        project = await visitor.post(f"/workspaces/{visitor.workspace}/projects", name="Kitchen", key="KIT")
        visitor.project = project["id"]
        return visitor

    async def log_in_again(self, client: httpx.AsyncClient | None = None, password: str = PASSWORD) -> Self:
        """The same user, logged in once more, perhaps at another process."""
        client = client or self.client
        login = await client.post("/auth/login", json={"email": self.email, "password": password})
        assert login.status_code == 200, login.text
        return self.with_token(login.json()["access_token"], login.json()["refresh_token"], client)

    async def with_personal_token(self, *scopes: str, kind: str = "human", **fields: Any) -> Self:
        """A program of theirs, with a personal token."""
        issued = await self.post("/auth/tokens", name="Nightly import", scopes=scopes, kind=kind, **fields)
        return self.with_token(issued["token"])

    def with_token(self, token: str, refresh_token: str = "", client: httpx.AsyncClient | None = None) -> Self:
        """The same user, places and all, with another token."""
        other = type(self)(client or self.client, self.fold, token)
        other.id, other.email, other.refresh_token = self.id, self.email, refresh_token
        other.workspace, other.project = self.workspace, self.project
        return other

    @property
    def token(self) -> str:
        return self.headers["Authorization"].removeprefix("Bearer ")

    async def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Any request, as this user."""
        headers = {**self.headers, **options.pop("headers", {})}
        return await self.client.request(method, path, headers=headers, **options)

    async def post(self, path: str, **body: Any) -> dict[str, Any]:
        """A command that must be carried out."""
        response = await self.request("POST", path, json=body)
        assert response.is_success, response.text
        answer: dict[str, Any] = response.json()
        return answer

    async def get(self, path: str) -> dict[str, Any]:
        """A query that must be answered, once the read models are up to date."""
        self.fold()
        response = await self.request("GET", path)
        assert response.status_code == 200, response.text
        answer: dict[str, Any] = response.json()
        return answer

    async def create_task(self, title: str = "Milk", **fields: Any) -> str:
        """The id of a new task."""
        return str((await self.post(f"/projects/{self.project}/tasks", title=title, **fields))["id"])
