"""A user of the HTTP API: a test drives it through requests and sees nothing of the implementation."""

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
        """Register, log in, create a workspace and a project."""
        email = f"{name.lower()}-{uuid4().hex}@example.com"
        registered = await client.post("/auth/register", json={"email": email, "name": name, "password": PASSWORD})
        login = await client.post("/auth/login", json={"email": email, "password": PASSWORD})
        user = cls(client, fold, login.json()["access_token"])
        user.id, user.email, user.refresh_token = registered.json()["id"], email, login.json()["refresh_token"]
        user.workspace = (await user.post("/workspaces", name="Home"))["id"]
        project = await user.post(f"/workspaces/{user.workspace}/projects", name="Kitchen", key="KIT")
        user.project = project["id"]
        return user

    async def log_in_again(self, client: httpx.AsyncClient | None = None, password: str = PASSWORD) -> Self:
        """The same user with a second login, through another process if a client is given."""
        client = client or self.client
        login = await client.post("/auth/login", json={"email": self.email, "password": password})
        assert login.status_code == 200, login.text
        return self.with_token(login.json()["access_token"], login.json()["refresh_token"], client)

    async def with_personal_token(self, *scopes: str, kind: str = "human", **fields: Any) -> Self:
        """The same user, authenticated by a new personal token."""
        issued = await self.post("/auth/tokens", name="Nightly import", scopes=scopes, kind=kind, **fields)
        return self.with_token(issued["token"])

    def with_token(self, token: str, refresh_token: str = "", client: httpx.AsyncClient | None = None) -> Self:
        """The same user, workspace and project, with another token."""
        other = type(self)(client or self.client, self.fold, token)
        other.id, other.email, other.refresh_token = self.id, self.email, refresh_token
        other.workspace, other.project = self.workspace, self.project
        return other

    @property
    def token(self) -> str:
        return self.headers["Authorization"].removeprefix("Bearer ")

    async def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Send any request as this user."""
        headers = {**self.headers, **options.pop("headers", {})}
        return await self.client.request(method, path, headers=headers, **options)

    async def post(self, path: str, **body: Any) -> dict[str, Any]:
        """Send a command that must succeed, and return its body."""
        response = await self.request("POST", path, json=body)
        assert response.is_success, response.text
        answer: dict[str, Any] = response.json()
        return answer

    async def get(self, path: str) -> dict[str, Any]:
        """Bring the read models up to date, then send a query that must be answered 200, and return its body."""
        self.fold()
        response = await self.request("GET", path)
        assert response.status_code == 200, response.text
        answer: dict[str, Any] = response.json()
        return answer

    async def create_task(self, title: str = "Milk", **fields: Any) -> str:
        """Create a task and return its id."""
        return str((await self.post(f"/projects/{self.project}/tasks", title=title, **fields))["id"])
