"""Scripts for the clients of the load generator: a script yields a request and is sent the answer."""

import random
from collections.abc import Callable, Generator, Sequence
from http import HTTPStatus
from itertools import count as count_from
from itertools import cycle

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from bench.data.http_target import NEW_TASK, HttpTarget


class HttpResponse(Struct, frozen=True):
    status: int
    body: bytes


class HttpRequest(Struct, frozen=True):
    """A request of a client. Its answer is counted and timed, unless it only prepares a request that is.

    If only one body is correct, that is `expected_body`.
    """

    method: str
    path: str
    body: bytes = b""
    is_counted: bool = True
    expected_body: bytes | None = None


class _WriteResult(Struct, frozen=True):
    id: str
    version: int
    position: int


Script = Generator[HttpRequest, HttpResponse, None]
_WRITE_RESULT_DECODER = msgspec.json.Decoder(_WriteResult)


def create_tasks(targets: Sequence[HttpTarget]) -> Script:
    """Create tasks, each in a project chosen at random."""
    body = msgspec.json.encode(NEW_TASK)
    while True:
        yield HttpRequest("POST", random.choice(targets).path, body)


def edit_tasks(targets: Sequence[HttpTarget]) -> Script:
    """Rename tasks chosen at random, each to a new title, expecting the version from the last answer."""
    versions = {target.path: target.version for target in targets}
    paths = list(versions)
    for count in count_from(random.randrange(10**12)):
        path = random.choice(paths)
        body = {"title": f"Buy oat milk, crate {count}", "expected_version": versions[path]}
        answer = yield HttpRequest("PATCH", path, msgspec.json.encode(body))
        if answer.status == HTTPStatus.OK:
            versions[path] = _WRITE_RESULT_DECODER.decode(answer.body).version


def toggle_task(targets: Sequence[HttpTarget]) -> Script:
    """Complete or reopen a task at random, without an expected version: half of the requests change nothing."""
    while True:
        yield HttpRequest("POST", f"{targets[0].path}/{random.choice(('complete', 'reopen'))}", b"{}")


def get_repeatedly(targets: Sequence[HttpTarget]) -> Script:
    """Get the same target repeatedly."""
    while True:
        yield HttpRequest("GET", targets[0].path)


def get_in_turn(targets: Sequence[HttpTarget]) -> Script:
    """Get one target after the other, starting again when there are no more."""
    for target in cycle(targets):
        yield HttpRequest("GET", target.path)


def get_and_compare(targets: Sequence[HttpTarget]) -> Script:
    """Get the same target repeatedly, and compare its body with the expected one."""
    expected_body = targets[0].expected_body.encode()
    while True:
        yield HttpRequest("GET", targets[0].path, expected_body=expected_body)


def create_then_get(targets: Sequence[HttpTarget]) -> Script:
    """Create a task, then get it as soon as the read model has it: only the get is counted."""
    for create in create_tasks(targets):
        written = _WRITE_RESULT_DECODER.decode((yield replace(create, is_counted=False)).body)
        yield HttpRequest("GET", f"/api/v1/tasks/{written.id}?min_position={written.position}")


SCRIPTS: dict[str, Callable[[Sequence[HttpTarget]], Script]] = {
    script.__name__: script
    for script in (create_tasks, edit_tasks, toggle_task, get_repeatedly, get_in_turn, get_and_compare, create_then_get)
}
SHARED_TARGET_SCRIPTS = {"create_tasks", "toggle_task", "get_repeatedly", "get_and_compare", "create_then_get"}
"""Scripts in which all clients share the same targets; in the others each client has its own."""
