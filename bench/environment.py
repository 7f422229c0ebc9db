"""The environment of a run: our instances and all peers, started and checked to be comparable before measuring."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
from msgspec.structs import replace

from bench.data.board import Board
from bench.data.http_target import NEW_TASK, HttpTarget
from bench.harness.instance import BenchInstance, start_instance
from bench.harness.peer_config import PeerConfig
from bench.harness.processes import PeerProcess, start_peer
from bench.harness.rounds import Environment
from bench.harness.servers import create_database
from bench.peers import cache_aside_models, umadb
from infra import settings

_STOCK_DATABASE, _CACHE_ASIDE_DATABASE = "bench_stock", "bench_cache_aside"


@contextlib.contextmanager
def start_environment(folder: Path, *, is_full: bool) -> Iterator[Environment]:
    """Start our instance and the peers; for a full run also four API processes and the peers without a store."""
    with contextlib.ExitStack() as ending:
        ours = ending.enter_context(start_instance(folder / "data"))
        found = settings.resolve(ours.data, needs_signing_key=True)
        key = found.jwt_key
        pages = _get_hot_bodies(ours.address, ours.token, ours.board)
        ours = replace(ours, board=_with_bodies(ours.board, pages))
        configs = {
            "stock": PeerConfig(0, key, create_database(ours.connection, ours.owner_url, _STOCK_DATABASE)),
            "constant": PeerConfig(0, key, pages=pages),
            "cache_aside": PeerConfig(0, key, _fill_cache_aside(ours), found.redis_url),
        }
        if is_full:
            configs |= {"echo": PeerConfig(0, key), "raw_asgi": PeerConfig(0, "", pages=pages)}
        peers = {name: ending.enter_context(start_peer(name, folder, has)) for name, has in configs.items()}
        peers["umadb"] = ending.enter_context(umadb.start_server(folder / "umadb"))
        _require_comparable(ours, peers, pages)
        four = ending.enter_context(start_instance(folder / "four", api_processes=4)) if is_full else None
        yield Environment(ours, four, peers)


def _get_hot_bodies(address: str, token: str, board: Board) -> dict[str, str]:
    """The bodies of the hot task and the hot page, by path."""
    with httpx.Client(base_url=address, headers={"Authorization": f"Bearer {token}"}, timeout=20) as http:
        paths = [board.hot_task.path, board.hot_page.path]
        return {path: http.get(path).raise_for_status().text for path in paths}


def _with_bodies(board: Board, pages: dict[str, str]) -> Board:
    """The board, with the right bodies of the hot task and the hot page: every answer is compared with them."""
    task, page = (HttpTarget(each.path, expected_body=pages[each.path]) for each in (board.hot_task, board.hot_page))
    return replace(board, hot_task=task, hot_page=page)


def _fill_cache_aside(ours: BenchInstance) -> str:
    """Create the database of the cache-aside peer, with all tasks of the hot list; return its URL."""
    url = create_database(ours.connection, ours.owner_url, _CACHE_ASIDE_DATABASE)
    cache_aside_models.fill_tables(url, ours.user, _get_all_tasks(ours.address, ours))
    return url


def _get_all_tasks(address: str, ours: BenchInstance) -> list[Any]:
    """All tasks of the hot list, fetched page by page with its cursors."""
    path, tasks, after = ours.board.hot_page.path, list[Any](), ""
    with httpx.Client(base_url=address, headers={"Authorization": f"Bearer {ours.token}"}, timeout=20) as http:
        while True:
            page = http.get(path + after).raise_for_status().json()
            tasks += page["items"]
            if not page.get("next_cursor"):
                return tasks
            after = f"?cursor={page['next_cursor']}"


def _require_comparable(ours: BenchInstance, peers: dict[str, PeerProcess], pages: dict[str, str]) -> None:
    created, tasks = _create_response_shape(ours.address, ours), _get_all_tasks(ours.address, ours)
    for name, one in peers.items():
        if name in {"constant", "raw_asgi"} and _get_hot_bodies(one.address, ours.token, ours.board) != pages:
            raise RuntimeError(f"The peer {name} returns different bytes, so it is not comparable.")
        if name == "cache_aside" and any(
            _get_all_tasks(one.address, ours) != tasks for _ in ("from rows", "from Redis")
        ):
            raise RuntimeError(f"The peer {name} returns different tasks, so it is not comparable.")
        if name == "stock" and _create_response_shape(one.address, ours)[0] != created[0]:
            raise RuntimeError(f"The peer {name} does not create tasks, so it is not comparable.")
        if name in {"echo", "raw_asgi"} and _create_response_shape(one.address, ours) != created:
            raise RuntimeError(f"The peer {name} answers a create differently, so it is not comparable.")


def _create_response_shape(address: str, ours: BenchInstance) -> tuple[int, list[str]]:
    """The answer to a create: its status, and the names of the fields in its body."""
    headers = {"Authorization": f"Bearer {ours.token}"}
    answer = httpx.post(address + ours.board.project_tasks[0].path, json=NEW_TASK, headers=headers, timeout=20)
    return answer.status_code, list(answer.json())
