"""The life of a board over HTTP: created, edited, in conflict, reviewed in its history, intact after a restart."""

import time
from pathlib import Path

import psycopg
import pytest

from infra import settings
from tests.e2e.blocking_api_user import BlockingApiUser
from tests.e2e.running_instance import running_instance

pytestmark = pytest.mark.slow

EMAIL = "ann@example.com"


def password_hashes(data: Path) -> list[str]:
    """The hash parameters of stored passwords; OWASP's cheat sheet gives the minimum."""
    with psycopg.connect(settings.resolve(data).database_url) as connection:
        rows = connection.execute("select password_hash from auth.credentials").fetchall()
    return [hashed.rsplit("$", 2)[0] for (hashed,) in rows]


def test_a_board_survives_conflicts_and_a_restart(tmp_path: Path) -> None:
    with running_instance(tmp_path / "data") as instance:
        ann = BlockingApiUser.register(instance.address, EMAIL)
        assert password_hashes(tmp_path / "data") == ["$argon2id$v=19$m=19456,t=2,p=1"]
        workspace = ann.post("/workspaces", name="Home")["id"]
        project = ann.post(f"/workspaces/{workspace}/projects", name="Kitchen", key="KIT")["id"]
        milk = ann.post(f"/projects/{project}/tasks", title="Milk")
        bread = ann.post(f"/projects/{project}/tasks", title="Bread", priority="high", due="2026-12-01")
        assert (milk["key"], bread["key"]) == ("KIT-1", "KIT-2")

        edit = ann.http.patch(f"/tasks/{milk['id']}", json={"title": "Oat milk"}, headers={"If-Match": '"1"'})
        assert edit.json()["version"] == 2
        late = ann.http.patch(f"/tasks/{milk['id']}", json={"title": "Soy milk", "expected_version": 1})
        assert late.status_code == 409
        assert late.json()["conflicting_fields"] == ["title"]
        assert [event["type"] for event in late.json()["intervening_events"]] == ["TaskRenamed"]
        assert late.json()["current"]["title"] == "Oat milk"

        ann.post(f"/tasks/{milk['id']}/complete")
        ann.post(f"/tasks/{milk['id']}/reopen")
        ann.post(f"/tasks/{milk['id']}/move", column="In progress", expected_version=6)
        trashed = ann.http.request("DELETE", f"/tasks/{bread['id']}", headers={"If-Match": '"1"'}).json()

        history = list(ann.iter_items(f"/tasks/{milk['id']}/history", limit=2))
        completed, reopened = ["TaskCompleted", "TaskMoved"], ["TaskReopened", "TaskMoved"]
        expected = ["TaskCreated", "TaskRenamed", *completed, *reopened, "TaskMoved"]
        assert [item["type"] for item in reversed(history)] == expected
        assert history[0]["changes"]["column"] == ["todo", "doing"]
        assert {item["actor"]["name"] for item in history} == {"ann"}

        before = ann.get(f"/projects/{project}/tasks", min_position=trashed["position"])
        assert [task["title"] for task in before["items"]] == ["Oat milk"]

        began = time.monotonic()
        assert instance.stop() == 0
        assert time.monotonic() - began < 10
        instance.start()

        ann = BlockingApiUser.log_in(instance.address, EMAIL)
        assert ann.get(f"/projects/{project}/tasks", min_position=trashed["position"]) == before
        assert list(ann.iter_items(f"/tasks/{milk['id']}/history")) == history
        assert ann.get("/tasks/KIT-2")["trashed"] is True
        assert [found["id"] for found in ann.get("/workspaces")["items"]] == [workspace]
        assert ann.post(f"/projects/{project}/tasks", title="Butter")["key"] == "KIT-3"
