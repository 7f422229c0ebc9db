"""The cache-aside peer: the same tasks as ours, read from rows once and then from Redis, for members only."""

import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import msgspec
import pytest

from api.http import access_tokens
from bench.harness.peer_config import PeerConfig
from bench.harness.processes import start_peer
from bench.peers import cache_aside_models
from infra.database.connections import connect
from infra.settings import Settings
from projections.task_list import TaskRow
from tests.projections.rows import build_row

pytestmark = pytest.mark.slow

ANN, BEN = uuid4(), uuid4()
WORKSPACE, PROJECT = uuid4(), uuid4()
NOW = datetime(2026, 11, 21, 10, 0, 0, 120_000, UTC)
PAGE = f"/api/v1/projects/{PROJECT}/tasks"


def task(number: int, project: UUID = PROJECT) -> TaskRow:
    return build_row(
        TaskRow,
        id=uuid4(),
        workspace_id=WORKSPACE,
        project_id=project,
        key=f"PROJ-{number}",
        number=number,
        title="Купить молоко",
        description="Four crates.",
        priority="high",
        due="2027-03-01" if number % 2 else None,
        column="todo",
        labels=("food", "before Friday"),
        assignees=(ANN,),
        created_at=NOW,
        updated_at=NOW,
        created_by=ANN,
    )


TASKS_JSON: list[Any] = msgspec.json.decode(msgspec.json.encode([task(number) for number in range(1, 61)]))
OTHER_PROJECT_TASKS_JSON: list[Any] = msgspec.json.decode(msgspec.json.encode([task(1, uuid4())]))


@pytest.fixture
def address(settings: Settings) -> Iterator[str]:
    """The peer's address; it runs in its own process, as in a benchmark."""
    cache_aside_models.fill_tables(settings.migration_url, ANN, TASKS_JSON + OTHER_PROJECT_TASKS_JSON)
    config = PeerConfig(0, settings.jwt_key, settings.migration_url, settings.redis_url)
    with tempfile.TemporaryDirectory() as folder, start_peer("cache_aside", Path(folder), config) as served:
        yield served.address


def auth_headers(user: UUID, key: str) -> dict[str, str]:
    token, _ = access_tokens.issue_access_token(user, uuid4(), datetime.now(UTC) + timedelta(hours=1), key)
    return {"Authorization": f"Bearer {token}"}


def test_its_pages_equal_the_tasks_of_our_read_model(address: str, settings: Settings) -> None:
    with httpx.Client(base_url=address, headers=auth_headers(ANN, settings.jwt_key), timeout=20) as http:
        first = http.get(PAGE).raise_for_status().json()
        second = http.get(PAGE, params={"cursor": first["next_cursor"]}).raise_for_status().json()
    assert len(first["items"]) == 50
    assert first["items"] + second["items"] == TASKS_JSON
    assert second["next_cursor"] is None


def test_a_page_is_cached_after_the_first_read(address: str, settings: Settings) -> None:
    with httpx.Client(base_url=address, headers=auth_headers(ANN, settings.jwt_key), timeout=20) as http:
        first = http.get(PAGE, params={"limit": 10}).raise_for_status().json()
        with connect(settings.migration_url) as connection:
            connection.execute("delete from tasks")
        assert http.get(PAGE, params={"limit": 10}).json() == first
        assert http.get(PAGE, params={"limit": 11}).json()["items"] == []


def test_non_members_get_nothing_even_from_the_cache(address: str, settings: Settings) -> None:
    with httpx.Client(base_url=address, timeout=20) as http:
        assert http.get(PAGE, headers=auth_headers(ANN, settings.jwt_key)).status_code == 200
        assert http.get(PAGE, headers=auth_headers(BEN, settings.jwt_key)).status_code == 404
        assert http.get(PAGE, headers=auth_headers(ANN, "another key of thirty-two letters")).status_code == 401
        assert http.get(PAGE).status_code == 401
