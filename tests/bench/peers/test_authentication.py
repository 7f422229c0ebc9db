"""The peers that we build take the same tokens as our instance, and no others."""

import contextlib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from api.http import access_tokens
from bench.data.http_target import NEW_TASK
from bench.harness.peer_config import PeerConfig
from bench.harness.processes import start_peer
from infra.settings import Settings

pytestmark = pytest.mark.slow

TASKS, PAGE = f"/api/v1/projects/{uuid4()}/tasks", "/api/v1/tasks/milk"
REQUESTS = {"stock": ("POST", TASKS), "echo": ("POST", TASKS), "constant": ("GET", PAGE)}


def test_a_token_of_ours_is_accepted_and_a_foreign_one_is_not(settings: Settings, tmp_path: Path) -> None:
    config = PeerConfig(0, settings.jwt_key, settings.migration_url, pages={PAGE: "milk"})
    with contextlib.ExitStack() as ending:
        peers = {name: ending.enter_context(start_peer(name, tmp_path, config)) for name in REQUESTS}
        found = {
            name: [_status(peers[name].address, *REQUESTS[name], key) for key in (settings.jwt_key, "oat milk" * 8)]
            for name in REQUESTS
        }
    assert found == {"stock": [201, 401], "echo": [201, 401], "constant": [200, 401]}


def _status(address: str, method: str, path: str, key: str) -> int:
    token, _ = access_tokens.issue_access_token(uuid4(), uuid4(), datetime.now(UTC) + timedelta(hours=1), key)
    headers = {"Authorization": f"Bearer {token}"}
    body = NEW_TASK if method == "POST" else None
    return httpx.request(method, address + path, json=body, headers=headers, timeout=20).status_code
