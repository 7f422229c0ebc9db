"""`python -m bench`: measure ourselves beside our peers, print a table, keep it in `bench/results/latest.json`."""

import asyncio
import contextlib
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
from psycopg import Connection
from psycopg.rows import TupleRow

from bench import board, report
from bench.board import Board
from bench.durability import durable
from bench.marks import marks
from bench.peers.given import Given
from bench.processes import peer, taskledger
from bench.works import Bench
from infra import settings
from infra.embedded.postgres import DATABASE
from infra.instance import Run
from infra.postgres import connect

ROUNDS = 3
PEER = "bench_stock"


def main() -> None:
    began = time.monotonic()
    with contextlib.ExitStack() as ending:
        folder = Path(ending.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        run = ending.enter_context(taskledger(folder / "data"))
        connection = ending.enter_context(connect(run.database_url, "bench"))
        machine = report.machine(str(connection.info.server_version // 10_000))
        bench = ending.enter_context(_prepared(folder, run, connection))
        say(f"Ready after {time.monotonic() - began:.0f} s.")
        rounds = []
        for number in range(1, ROUNDS + 1):
            rounds.append(bench.round())
            say(f"Round {number} of {ROUNDS} done after {time.monotonic() - began:.0f} s.")
        lines = marks(rounds, bench.seen(), bench.rebuilt())
    say(f"Done in {time.monotonic() - began:.0f} s.\n")
    report.write(machine, lines, rounds)
    report.show(lines, rounds)


@contextlib.contextmanager
def _prepared(folder: Path, run: Run, connection: Connection[TupleRow]) -> Iterator[Bench]:
    """All there is to measure: durable, filled, caught up, and the peers up."""
    found = settings.locate(folder / "data", signing=True)
    stock_url = run.database_url.removesuffix(DATABASE) + PEER
    connection.execute(f"create database {PEER}")
    for url in (run.database_url, stock_url):
        with connect(url) as fresh:
            say("Durable: " + ", ".join(f"{name} {setting}" for name, setting in durable(fresh).items()))
    user, token = board.log_in(run.address)
    made = asyncio.run(board.make(found, user))
    with contextlib.ExitStack() as ending:
        bench = Bench(folder / "data", token, run.address, "", "", made, connection)
        bench.caught_up()
        stock = ending.enter_context(peer("stock", folder, Given(0, found.jwt_key, stock_url)))
        pages = _pages(run.address, token, made)
        constant = ending.enter_context(peer("constant", folder, Given(0, found.jwt_key, pages=pages)))
        _same(pages, _pages(constant, token, made))
        yield Bench(folder / "data", token, run.address, stock, constant, made, connection)


def _pages(address: str, token: str, made: Board) -> dict[str, str]:
    """What is answered at the hot addresses."""
    with httpx.Client(base_url=address, headers={"Authorization": f"Bearer {token}"}, timeout=20) as http:
        paths = [made.hot_task.path, made.hot_page.path]
        return {path: http.get(path).raise_for_status().text for path in paths}


def _same(ours: dict[str, str], peers: dict[str, str]) -> None:
    if ours != peers:
        raise RuntimeError("The peer answers other bytes, so it is no peer.")


def say(line: str) -> None:
    """To standard error: standard output is the table's."""
    sys.stderr.write(line + "\n")


if __name__ == "__main__":
    main()
