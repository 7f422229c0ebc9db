"""R3: pages of a backlog, each under another filter, so that no cache has any of them."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median
from urllib.parse import unquote

import httpx
from msgspec import Struct

from bench.data import board, history
from bench.data.backlog import Backlog
from bench.data.queries import Question, questions
from bench.harness.client_scripts import Target
from bench.harness.instance import caught_up
from bench.harness.load_generator import Load, Plan
from bench.harness.processes import command
from bench.harness.run_module import elsewhere
from bench.harness.servers import Servers, answering, servers
from bench.report.notes import of_loads
from bench.targets import Measure, Told, at_most, number, percentile
from infra import log

COUNT, RATE = 400, 40.0
"""So many questions are timed, and fall due each second."""
BEFORE = 40
"""So many others before, until whoever answers has opened what it needs."""
STEP = 200
"""The largest page, to come to a place deep in a list."""


class Cold(Struct, frozen=True):
    """What came of the questions, in their order."""

    asked: list[str]
    load: Load


def told(found: Cold) -> Told:
    """A question that was refused or came too late to be asked has no latency, so it misses the mark."""
    latencies = found.load.latencies_ms
    page = Measure("R3", "a page of 50, cold, p99", "ms")
    mark = page.alone([percentile(found.load.waited_ms(), 99)], at_most(20)).unless(len(latencies) < len(found.asked))
    return Told([mark], list(_remarks(found)))


def measured(data: Path) -> Cold:
    """Servers of its own, gone when it ends; one API process, and a worker that has folded all of it."""
    with servers(data) as up:
        up.do("migrate")
        with answering(up.data) as address, command(up.data, "worker"):
            user, token = board.log_in(address)
            backlog = Backlog(user)
            history.write(up.connection, user, backlog.happening())
            _settle(up)
            with httpx.Client(base_url=address, headers={"Authorization": f"Bearer {token}"}, timeout=20) as http:
                asked = [found(http, one) for one in questions(backlog, BEFORE + COUNT)]
            _ask(address, token, asked[:BEFORE])
            return Cold(asked[BEFORE:], _ask(address, token, asked[BEFORE:]))


def found(http: httpx.Client, asked: Question) -> str:
    """The address of the page that begins so deep in its list, or as deep as that goes.

    Where the list is refused, so will be its page, which is counted then.
    """
    cursor = ""
    for _ in range(asked.depth):
        cursor = http.get(asked.address(STEP, cursor)).json().get("next_cursor") or cursor
    return asked.address(cursor=cursor)


def _settle(up: Servers) -> None:
    """Until nothing is left to fold, or for the server to tidy up before long."""
    caught_up(up.connection, log.head(up.connection))
    up.connection.execute("vacuum (analyze)")


def _ask(address: str, token: str, paths: Sequence[str]) -> Load:
    """By one client: a slow answer lets the next ones wait, and that counts."""
    plan = Plan("asking", address, token, 1, len(paths) / RATE, [Target(path) for path in paths], RATE)
    return elsewhere("bench.harness.load_generator", plan, Load)


def _remarks(found: Cold) -> Iterator[str]:
    """One client asks, so its latencies are in the order of the questions, unless one was refused."""
    yield from of_loads("R3", [found.load])
    latencies = found.load.latencies_ms
    if latencies and not found.load.refused:
        slowest, where = max(zip(latencies, found.asked, strict=False))
        answered = f"{len(latencies)} of {len(found.asked)} questions were answered"
        yield f"R3: {answered}, half of them within {number(median(latencies))} ms."
        yield f"R3: the slowest took {number(slowest)} ms: {unquote(where)}"
