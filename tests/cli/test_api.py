"""`taskledger api`: its listeners, one for the API and one for the metrics if they have a port of their own."""

import json
import logging
import secrets
import signal
import socket
import sys

import pytest

from api.server import Server
from infra import logs
from infra.errors import OperatorError
from infra.logs import configure
from infra.processes import file_limits, gc_tuning
from infra.worker import worker
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


@pytest.mark.parametrize("option", ["--fd", "--metrics-fd"])
@pytest.mark.usefixtures("served")
def test_a_file_descriptor_that_was_not_inherited_is_a_mistake(run_cli: RunCli, option: str) -> None:
    with pytest.raises(OperatorError, match=f"File descriptor 999 is no socket: check {option}"):
        raise run_cli("api", "--port", "0", option, "999").exception or AssertionError


@pytest.mark.parametrize("process", ["api", "worker"])
def test_production_without_postgresql_starts_with_one_line_of_json(
    run_cli: RunCli,
    served: list[tuple[str, int]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    process: str,
) -> None:
    monkeypatch.setattr(logs, "configure", configure)
    monkeypatch.setattr(logging, "basicConfig", lambda **_: None)
    monkeypatch.setattr(worker, "run", lambda *_: served.append(("", 0)))
    away = {
        "TASKLEDGER_ENVIRONMENT": "production",
        "TASKLEDGER_REGISTRATION": "closed",
        "TASKLEDGER_DATABASE_URL": "postgresql://app:correct-horse-battery@127.0.0.1:1,127.0.0.1:2/taskledger",
        "TASKLEDGER_JWT_KEY": secrets.token_hex(32),
    }
    with monkeypatch.context() as patch:
        patch.setattr(signal, "signal", lambda *_: None)
        result = run_cli(process, *(["--port", "0"] if process == "api" else []), **away)
    logs.logger.remove()
    logs.logger.add(sys.stderr)
    assert served, result.exception
    (line,) = [line for line in (result.stderr + capsys.readouterr().err).splitlines() if line]
    record = json.loads(line)
    assert record["level"] == "WARNING"
    assert "PostgreSQL does not answer" in record["message"]
    assert "\\u000a" not in record["message"]


def test_metrics_listen_where_the_settings_say(run_cli: RunCli, served: list[tuple[str, int]]) -> None:
    chosen = {"TASKLEDGER_METRICS_PORT": "0", "TASKLEDGER_METRICS_HOST": "127.0.0.2"}
    result = run_cli("api", "--port", "0", **chosen)
    assert result.exit_code == 0, result.exception
    _, (host, port) = served
    assert host == "127.0.0.2"
    assert f"Metrics at http://127.0.0.2:{port}/metrics" in result.output


@pytest.mark.parametrize("process", ["api", "worker"])
@pytest.mark.usefixtures("served")
def test_a_process_that_cannot_store_attachments_does_not_start(run_cli: RunCli, process: str) -> None:
    with pytest.raises(OperatorError, match="Attachments cannot be stored in /nowhere: "):
        raise run_cli(process, TASKLEDGER_BLOBS="/nowhere").exception or AssertionError
