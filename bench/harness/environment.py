"""The stage: our instances and all peers, up and comparable, before anything is measured."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx

from bench.data.board import Board
from bench.harness.client_scripts import NEW_TASK
from bench.harness.instance import Instance, instance
from bench.harness.processes import Peer, peer
from bench.harness.rounds import Stage
from bench.harness.servers import database
from bench.peers import cache_aside_models, umadb
from bench.peers.config import Given
from infra import settings

_STOCK, _ASIDE = "bench_stock", "bench_cache_aside"


@contextlib.contextmanager
def stage(folder: Path, *, is_whole: bool) -> Iterator[Stage]:
    """With four API processes and what has no store, if it is the whole stage."""
    with contextlib.ExitStack() as ending:
        ours = ending.enter_context(instance(folder / "data"))
        found = settings.locate(ours.data, signing=True)
        key = found.jwt_key
        pages = _pages(ours.address, ours.token, ours.board)
        given = {
            "stock": Given(0, key, database(ours.connection, ours.owner_url, _STOCK)),
            "constant": Given(0, key, pages=pages),
            "cache_aside": Given(0, key, _filled(ours), found.redis_url),
        }
        if is_whole:
            given |= {"echo": Given(0, key), "raw_asgi": Given(0, "", pages=pages)}
        peers = {name: ending.enter_context(peer(name, folder, has)) for name, has in given.items()}
        peers["umadb"] = ending.enter_context(umadb.server(folder / "umadb"))
        _same(ours, peers, pages)
        four = ending.enter_context(instance(folder / "four", api=4)) if is_whole else None
        yield Stage(ours, four, peers)


def _pages(address: str, token: str, made: Board) -> dict[str, str]:
    """What is answered at the hot addresses."""
    with httpx.Client(base_url=address, headers={"Authorization": f"Bearer {token}"}, timeout=20) as http:
        paths = [made.hot_task.path, made.hot_page.path]
        return {path: http.get(path).raise_for_status().text for path in paths}


def _filled(ours: Instance) -> str:
    """A database of the cache-aside peer, with all tasks of the hot list."""
    url = database(ours.connection, ours.owner_url, _ASIDE)
    cache_aside_models.fill(url, ours.user, _list(ours.address, ours))
    return url


def _list(address: str, ours: Instance) -> list[Any]:
    """The tasks of the hot list, page after page by its own cursors."""
    path, tasks, after = ours.board.hot_page.path, list[Any](), ""
    with httpx.Client(base_url=address, headers={"Authorization": f"Bearer {ours.token}"}, timeout=20) as http:
        while True:
            page = http.get(path + after).raise_for_status().json()
            tasks += page["items"]
            if not page.get("next_cursor"):
                return tasks
            after = f"?cursor={page['next_cursor']}"


def _same(ours: Instance, peers: dict[str, Peer], pages: dict[str, str]) -> None:
    created, tasks = _created(ours.address, ours), _list(ours.address, ours)
    for name, one in peers.items():
        if name in {"constant", "raw_asgi"} and _pages(one.address, ours.token, ours.board) != pages:
            raise RuntimeError(f"The peer {name} answers other bytes, so it is no peer.")
        if name == "cache_aside" and any(_list(one.address, ours) != tasks for _ in ("from rows", "from Redis")):
            raise RuntimeError(f"The peer {name} answers other tasks, so it is no peer.")
        if name == "stock" and _created(one.address, ours)[0] != created[0]:
            raise RuntimeError(f"The peer {name} does not create, so it is no peer.")
        if name in {"echo", "raw_asgi"} and _created(one.address, ours) != created:
            raise RuntimeError(f"The peer {name} answers a create otherwise, so it is no peer.")


def _created(address: str, ours: Instance) -> tuple[int, list[str]]:
    """How a create is answered: the status, and the members of the body."""
    headers = {"Authorization": f"Bearer {ours.token}"}
    answer = httpx.post(address + ours.board.spread[0].path, json=NEW_TASK, headers=headers, timeout=20)
    return answer.status_code, list(answer.json())
