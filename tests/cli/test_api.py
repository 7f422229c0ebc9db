"""`taskledger api`: its listeners, one for the API and one for the metrics if they have a port of their own."""

import socket

import pytest

from api.server import Server
from infra import logs
from infra.processes import file_limits, gc_tuning
from tests.cli.conftest import RunCli


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """The addresses that the server would have been run on."""
    addresses = list[tuple[str, int]]()

    def record(_: Server, sockets: list[socket.socket]) -> None:
        addresses.extend(listener.getsockname()[:2] for listener in sockets)

    monkeypatch.setattr(Server, "run", record)
    monkeypatch.setattr(gc_tuning, "freeze_and_relax", lambda: None)
    monkeypatch.setattr(file_limits, "raise_open_file_limit", lambda: 1024)
    monkeypatch.setattr(logs, "configure", lambda *_: None)
    return addresses


def test_metrics_have_no_listener_of_their_own_by_default(run_cli: RunCli, served: list[tuple[str, int]]) -> None:
    result = run_cli("api", "--port", "0")
    assert result.exit_code == 0, result.exception
    ((host, port),) = served
    assert host == "127.0.0.1"
    assert result.output == f"Listening at http://127.0.0.1:{port}\n"


def test_metrics_listen_where_the_settings_say(run_cli: RunCli, served: list[tuple[str, int]]) -> None:
    chosen = {"TASKLEDGER_METRICS_PORT": "0", "TASKLEDGER_METRICS_HOST": "127.0.0.2"}
    result = run_cli("api", "--port", "0", **chosen)
    assert result.exit_code == 0, result.exception
    _, (host, port) = served
    assert host == "127.0.0.2"
    assert f"Metrics at http://127.0.0.2:{port}/metrics" in result.output
