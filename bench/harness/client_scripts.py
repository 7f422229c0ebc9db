"""What the clients of the load generator do: a script yields a request and is sent the answer."""

import random
from collections.abc import Callable, Generator, Sequence
from http import HTTPStatus
from itertools import count as count_from
from itertools import cycle

import msgspec
from msgspec import Struct
from msgspec.structs import replace

NEW_TASK = {
    "title": "Buy oat milk for the spring festival",
    "description": "Four crates, from the farm if they have them. Ask Ann who drives, and keep the receipt.",
    "priority": "high",
    "due": "2027-03-01",
    "labels": ["food", "before Friday"],
}
"""The task that every create asks for, ours and the peer's."""


class Answer(Struct, frozen=True):
    status: int
    body: bytes


class Request(Struct, frozen=True):
    """What a client asks; its answer is counted and timed unless it only prepares what is.

    Where one answer alone is right, it is `right`.
    """

    method: str
    path: str
    body: bytes = b""
    counts: bool = True
    right: bytes | None = None


class Target(Struct, frozen=True):
    """The path of something on the server, the version that it is at, and what is shown there, where that matters."""

    path: str
    version: int = 0
    shown: str = ""


class _Written(Struct, frozen=True):
    id: str
    version: int
    position: int


Script = Generator[Request, Answer, None]
_WRITTEN = msgspec.json.Decoder(_Written)


def creating(targets: Sequence[Target]) -> Script:
    """Create tasks, each in a place chosen at random."""
    body = msgspec.json.encode(NEW_TASK)
    while True:
        yield Request("POST", random.choice(targets).path, body)


def editing(targets: Sequence[Target]) -> Script:
    """Rename tasks chosen at random, each to what none was called, on the version that the last answer told."""
    versions = {target.path: target.version for target in targets}
    paths = list(versions)
    for count in count_from(random.randrange(10**12)):
        path = random.choice(paths)
        wish = {"title": f"Buy oat milk, crate {count}", "expected_version": versions[path]}
        answer = yield Request("PATCH", path, msgspec.json.encode(wish))
        if answer.status == HTTPStatus.OK:
            versions[path] = _WRITTEN.decode(answer.body).version


def toggling(targets: Sequence[Target]) -> Script:
    """Complete a task or reopen it, as a coin says, naming no version: half of all wishes are fulfilled already."""
    while True:
        yield Request("POST", f"{targets[0].path}/{random.choice(('complete', 'reopen'))}", b"{}")


def looking(targets: Sequence[Target]) -> Script:
    """Look at the same thing again and again."""
    while True:
        yield Request("GET", targets[0].path)


def asking(targets: Sequence[Target]) -> Script:
    """Look at one thing after the other; whoever plans more looks than there are things sees some again."""
    for target in cycle(targets):
        yield Request("GET", target.path)


def comparing(targets: Sequence[Target]) -> Script:
    """Look at the same thing again and again, which should always be the same."""
    while True:
        yield Request("GET", targets[0].path, right=targets[0].shown.encode())


def seeing(targets: Sequence[Target]) -> Script:
    """Create a task, then look at it as it is once the read model has it: the look alone counts."""
    for create in creating(targets):
        written = _WRITTEN.decode((yield replace(create, counts=False)).body)
        yield Request("GET", f"/api/v1/tasks/{written.id}?min_position={written.position}")


SCRIPTS: dict[str, Callable[[Sequence[Target]], Script]] = {
    script.__name__: script for script in (creating, editing, toggling, looking, asking, comparing, seeing)
}
SHARED = {"creating", "toggling", "looking", "comparing", "seeing"}
"""Where all clients have the same targets; in the others each has its own."""
