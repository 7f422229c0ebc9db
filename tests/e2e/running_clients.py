"""Clients that send commands to a running instance from a thread, whatever happens to the instance."""

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Protocol
from uuid import UUID

import httpx

from tests.consistency import Acknowledged, CallHistory
from tests.e2e.running_instance import TIMEOUT_S
from tests.gather_or_cancel import gather_or_cancel
from tests.retrying_clients import Conflict, DefiniteOutcome, OutcomeUnknown, RetryingClient, retry_until_definite


class Addressed(Protocol):
    """What clients need of an instance; it may move to another address."""

    address: str


class HttpTaskApi:
    """Creates and edits tasks over HTTP, at the current address of the instance."""

    def __init__(self, instance: Addressed, http: httpx.AsyncClient, project: str) -> None:
        self._instance, self._http, self._project = instance, http, project

    async def create(self, title: str, key: str) -> DefiniteOutcome:
        return await self._send("POST", f"/projects/{self._project}/tasks", key, title=title)

    async def edit(self, task: UUID, version: int, title: str, key: str) -> DefiniteOutcome:
        return await self._send("PATCH", f"/tasks/{task}", key, title=title, expected_version=version)

    async def _send(self, method: str, path: str, key: str, **body: Any) -> DefiniteOutcome:
        url, headers = f"{self._instance.address}/api/v1{path}", {"Idempotency-Key": key}
        try:
            response = await self._http.request(method, url, json=body, headers=headers)
        except httpx.HTTPError as error:
            raise OutcomeUnknown from error
        answer = response.json()
        if response.is_success:
            return Acknowledged(UUID(answer["id"]), answer["version"], answer["position"])
        if answer["code"] == "version_conflict":
            return Conflict(answer["current_version"])
        assert response.status_code == 503 or answer["code"] == "twin_in_flight", response.text
        raise OutcomeUnknown


class RunningClients:
    """Running clients and the history of their calls."""

    def __init__(self, work: Future[None], history: CallHistory) -> None:
        self._work, self.history = work, history

    def definite_count(self) -> int:
        """The number of commands with a definite answer so far; raises the error of a client that failed."""
        if self._work.done():
            self._work.result()
        return self.history.counts["acknowledged"] + self.history.counts["refused"]


@contextlib.contextmanager
def running_clients(instance: Addressed, token: str, project: str, clients: int) -> Iterator[RunningClients]:
    """Runs clients until the block ends, when each of their commands has a definite answer."""
    history, stopping = CallHistory(), threading.Event()

    async def work() -> None:
        headers = {"Authorization": f"Bearer {token}"}
        async with httpx.AsyncClient(headers=headers, timeout=5) as http:
            api = HttpTaskApi(instance, http, project)
            shared = await retry_until_definite(history, "shared", lambda: api.create("shared", "shared"))
            assert isinstance(shared, Acknowledged)
            retrying_clients = [RetryingClient(f"client {at}", api, history, shared.stream) for at in range(clients)]
            await gather_or_cancel(*(client.run(stopping.is_set) for client in retrying_clients))

    with ThreadPoolExecutor(1) as threads:
        running = RunningClients(threads.submit(asyncio.run, work()), history)
        try:
            yield running
        finally:
            stopping.set()
        running._work.result(TIMEOUT_S)  # noqa: SLF001 - its own
