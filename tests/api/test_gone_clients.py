"""Clients that go away in the middle of a command: it is carried out or not, and a retry with its key tells which."""

import random
import socket
from collections import Counter
from collections.abc import Callable, Iterator
from uuid import uuid4

import httpx
import msgspec
import pytest

from commands.handling.handler import CommandHandler
from commands.handling.outcome import Committed
from commands.handling.request import CommandRequest
from infra.settings import Settings
from tests.api.connections.raw_http import raw_client
from tests.api.running_server import running_server
from tests.e2e.blocking_api_user import BlockingApiUser
from tests.law import planted_defect

COMMANDS = 30


@pytest.fixture
def user(settings: Settings) -> Iterator[BlockingApiUser]:
    with running_server(settings) as (_, url):
        yield BlockingApiUser.register(url.removesuffix("/api/v1"), f"{uuid4()}@example.com")


def test_a_command_of_a_gone_client_happens_at_most_once(user: BlockingApiUser, fold: Callable[[], None]) -> None:
    seed = random.randrange(2**32)
    print(f"{seed=}")  # noqa: T201 - shown where the test fails
    choices, answers = random.Random(seed), Counter[bool]()
    workspace = user.post("/workspaces", name="Home")["id"]
    project = user.post(f"/workspaces/{workspace}/projects", name="Kitchen", key="KIT")["id"]
    port = user.http.base_url.port
    assert port
    for number in range(COMMANDS):
        body = b'{"title": "Buy milk %d"}' % number
        request = (
            b"POST /api/v1/projects/%s/tasks HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n"
            b"Idempotency-Key: %d\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
            % (project.encode(), user.token.encode(), number, len(body), body)
        )
        is_whole = choices.random() < 0.7
        send_and_go(port, request if is_whole else request[:-1], is_reset=choices.random() < 0.5)
        answers[retry(user, project, number, body)] += 1
    assert set(answers) == {True, False}, "no command was carried out without its client, or none was not"
    fold()
    tasks = [one["title"] for one in user.iter_items(f"/projects/{project}/tasks", limit=200)]
    assert sorted(tasks) == sorted(f"Buy milk {number}" for number in range(COMMANDS))


def send_and_go(port: int, data: bytes, *, is_reset: bool) -> None:
    """Send and close the connection at once, without reading the answer."""
    with raw_client(port) as client:
        client.sendall(data)
        if is_reset:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")


def retry(user: BlockingApiUser, project: str, number: int, body: bytes) -> bool:
    """Send the command until the answer is definite; whether it had been carried out before."""
    headers = {"Idempotency-Key": str(number), "Content-Type": "application/json"}
    while True:
        response = user.http.post(f"/projects/{project}/tasks", content=body, headers=headers)
        if response.status_code != httpx.codes.CONFLICT:
            assert response.status_code == httpx.codes.CREATED, response.text
            return "idempotent-replayed" in response.headers
        assert response.json()["code"] == "twin_in_flight"


def test_ignored_keys_are_noticed(
    user: BlockingApiUser, fold: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    handle = CommandHandler.handle

    async def without_keys(handler: CommandHandler, request: CommandRequest) -> Committed:
        return await handle(handler, msgspec.structs.replace(request, idempotency_keys=()))

    monkeypatch.setattr(CommandHandler, "handle", without_keys)
    with planted_defect(), pytest.raises(AssertionError):
        test_a_command_of_a_gone_client_happens_at_most_once(user, fold)
