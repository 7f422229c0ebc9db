"""The stage: our instances and all peers, up and comparable, before anything is measured."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import httpx

from bench.board import Board
from bench.instance import Instance, instance
from bench.peers import umadb
from bench.peers.given import Given
from bench.processes import peer
from bench.scripts import NEW_TASK
from bench.servers import database
from bench.works import FULL, Size, Stage
from infra import settings

_STOCK = "bench_stock"


@contextlib.contextmanager
def stage(folder: Path, size: Size) -> Iterator[Stage]:
    """All that the works of this size ask for."""
    with contextlib.ExitStack() as ending:
        ours = ending.enter_context(instance(folder / "data"))
        key = settings.locate(ours.data, signing=True).jwt_key
        pages = _pages(ours.address, ours.token, ours.board)
        given = {
            "stock": Given(0, key, database(ours.connection, ours.owner_url, _STOCK)),
            "constant": Given(0, key, pages=pages),
        }
        if size is FULL:
            given |= {"echo": Given(0, key), "raw_asgi": Given(0, "", pages=pages)}
        peers = {name: ending.enter_context(peer(name, folder, has)) for name, has in given.items()}
        peers["umadb"] = ending.enter_context(umadb.server(folder / "umadb"))
        _same(ours, peers, pages)
        four = ending.enter_context(instance(folder / "four", api=4)) if size is FULL else None
        yield Stage(ours, four, peers)


def _pages(address: str, token: str, made: Board) -> dict[str, str]:
    """What is answered at the hot addresses."""
    with httpx.Client(base_url=address, headers={"Authorization": f"Bearer {token}"}, timeout=20) as http:
        paths = [made.hot_task.path, made.hot_page.path]
        return {path: http.get(path).raise_for_status().text for path in paths}


def _same(ours: Instance, peers: dict[str, str], pages: dict[str, str]) -> None:
    created = _created(ours.address, ours)
    for name, address in peers.items():
        if name in {"constant", "raw_asgi"} and _pages(address, ours.token, ours.board) != pages:
            raise RuntimeError(f"The peer {name} answers other bytes, so it is no peer.")
        if name in {"echo", "raw_asgi"} and _created(address, ours) != created:
            raise RuntimeError(f"The peer {name} answers a create otherwise, so it is no peer.")


def _created(address: str, ours: Instance) -> tuple[int, list[str]]:
    """How a create is answered: the status, and the members of the body."""
    headers = {"Authorization": f"Bearer {ours.token}"}
    answer = httpx.post(address + ours.board.spread[0].path, json=NEW_TASK, headers=headers, timeout=20)
    return answer.status_code, list(answer.json())
