"""No stranger's connection slows another's request, and all of them are cut by their deadlines."""

import contextlib
import re
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median

import httpx
import pytest

from infra.processes import file_limits
from infra.settings import Settings
from tests.e2e.blocking_api_user import BlockingApiUser
from tests.e2e.cli_processes import CliProcess, cli_process
from tests.e2e.hostile_clients import (
    GET_LIVE,
    HEAD,
    HEAD_WITHOUT_END,
    UPLOAD,
    HostileClients,
    hostile_clients,
    latency_s,
)
from tests.e2e.running_instance import poll_until
from tests.law import planted_defect

pytestmark = pytest.mark.slow

SHORT_DEADLINES = """
from api.connections import request_clock
request_clock.HEAD_TIMEOUT_S = request_clock.BODY_TIMEOUT_S = 3
request_clock.KEEP_ALIVE_S = 6
request_clock.MIN_BODY_BYTES_PER_S = 2**20
"""
UVICORN_ALONE = """
from functools import partial
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
import api.server

def stock(*given, registry, admission, **named):
    return HttpToolsProtocol(*given, **named)

api.server.Connection = stock
"""
FLOOD_BYTES, MEGABYTE = 140 * 2**20, 2**20
PROBES = 40
MAX_GROWTH_BYTES = 80 * 2**20


class Probe:
    """A user whose requests are timed."""

    def __init__(self, port: int, fold: Callable[[], None]) -> None:
        user = BlockingApiUser.register(f"http://127.0.0.1:{port}", "ann@example.com")
        workspace = user.post("/workspaces", name="Home")["id"]
        project = user.post(f"/workspaces/{workspace}/projects", name="Kitchen", key="KIT")["id"]
        task = user.post(f"/projects/{project}/tasks", title="Milk")["id"]
        fold()
        self.token = user.token
        self._get_task = b"GET /api/v1/tasks/%s " % task.encode() + HEAD
        self._get_task += b"Authorization: Bearer %s\r\n\r\n" % user.token.encode()
        self._socket = socket.create_connection(("127.0.0.1", port), 30)

    def close(self) -> None:
        self._socket.close()

    def latencies_s(self, count: int) -> list[float]:
        """Of checks of health and reads in turn, on an open connection."""
        found = []
        for _ in range(count):
            found += [latency_s(self._socket, GET_LIVE), latency_s(self._socket, self._get_task)]
            time.sleep(0.02)
        return sorted(found)


@contextlib.contextmanager
def api_process(settings: Settings, folder: Path, patch_code: str) -> Iterator[tuple[CliProcess, int]]:
    with cli_process(settings, folder, "api", "api", "--port", "0", patch_code=patch_code) as api:
        found = poll_until(lambda: re.search(r"http://127\.0\.0\.1:(\d+)", api.read_output()))
        poll_until(lambda: _is_ready(found[0]))
        yield api, int(found[1])


def _is_ready(address: str) -> bool:
    with contextlib.suppress(httpx.HTTPError):
        return httpx.get(f"{address}/health/ready").is_success
    return False


def memory_bytes(api: CliProcess) -> int:
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{api.pid}/status").read_text())
    assert found
    return int(found[1]) * 1024


def attack(clients: HostileClients, token: str) -> None:
    login = UPLOAD + b"100\r\n\r\n"
    upload = login.replace(b"/auth/login", b"/tasks/search").replace(b"100", b"%d" % MEGABYTE)
    upload = upload.replace(b"\r\n\r\n", b"\r\nAuthorization: Bearer %s\r\n\r\n" % token.encode())
    clients.open("silent", 1000, addresses=4)
    clients.open("idle", 1000, GET_LIVE, addresses=4)
    clients.open("slow head", 200, HEAD_WITHOUT_END)
    clients.open("slow body", 200, login + b"{")
    clients.open("megabyte", 300, upload + b"a" * (MEGABYTE - 1))
    clients.trickle("slow head")
    clients.trickle("slow body")
    clients.flood(FLOOD_BYTES)


def probes_are_answered_in_time(
    settings: Settings, fold: Callable[[], None], folder: Path, patch_code: str = ""
) -> None:
    file_limits.raise_open_file_limit()
    with (
        api_process(settings, folder, SHORT_DEADLINES + patch_code) as (api, port),
        hostile_clients(port) as clients,
        contextlib.closing(Probe(port, fold)) as probe,
    ):
        before_s, before_bytes = probe.latencies_s(PROBES), memory_bytes(api)
        attack(clients, probe.token)
        during_s = probe.latencies_s(PROBES)
        poll_until(lambda: clients.flooded_bytes >= FLOOD_BYTES, timeout_s=10)
        during_s = sorted(during_s + probe.latencies_s(PROBES))
        growth_bytes = memory_bytes(api) - before_bytes
        clients.stop_sending()
        print(f"probes {figures(before_s)} before, {figures(during_s)} during")  # noqa: T201 - the figures
        print(f"memory grew by {growth_bytes >> 20} MiB; {clients.open_counts()} still open")  # noqa: T201 - as above
        assert median(during_s) < 0.1
        assert during_s[len(during_s) * 95 // 100] < 0.1 + 4 * before_s[len(before_s) * 95 // 100]
        assert growth_bytes < MAX_GROWTH_BYTES
        poll_until(lambda: not any(clients.open_counts().values()), timeout_s=20)
        assert probe.latencies_s(1)


def figures(latencies_s: list[float]) -> str:
    """Median, 95th percentile and maximum of sorted latencies."""
    shown = (latencies_s[len(latencies_s) // 2], latencies_s[len(latencies_s) * 95 // 100], latencies_s[-1])
    return "/".join(f"{1000 * latency:.0f}" for latency in shown) + " ms"


def test_hostile_connections_slow_no_other_and_are_cut(
    settings: Settings, fold: Callable[[], None], tmp_path: Path
) -> None:
    probes_are_answered_in_time(settings, fold, tmp_path)


def test_uvicorn_alone_is_noticed(settings: Settings, fold: Callable[[], None], tmp_path: Path) -> None:
    with planted_defect(), pytest.raises((AssertionError, OSError)):
        probes_are_answered_in_time(settings, fold, tmp_path, UVICORN_ALONE)
