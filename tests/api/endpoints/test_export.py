"""Export over HTTP: the whole history of a workspace as a file, in two formats."""

import csv
import io
import json
from typing import Any

import pytest

from infra.settings import Settings
from projections import page_bytes
from tests.api.endpoints.test_trash import purge_all
from tests.api.problems import assert_problem
from tests.api_user import ApiUser

pytestmark = pytest.mark.asyncio(loop_scope="package")

HOSTILE = ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "'x", 'a"b', "a,b", "two\nlines", "Молоко 🥛"]
HARMLESS = ["'=1+1", "'+1", "'-1", "'@SUM(A1)"]


async def exported(user: ApiUser, format_: str) -> str:
    response = await user.request("GET", f"/workspaces/{user.workspace}/export?format={format_}")
    assert response.status_code == 200
    assert f'filename="history.{format_}"' in response.headers["content-disposition"]
    return response.text


async def lines(user: ApiUser) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (await exported(user, "jsonl")).split("\n")[:-1]]


async def rows(user: ApiUser) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(await exported(user, "csv"), newline="")))


async def test_an_export_has_every_item_of_the_activity_oldest_first(
    ann: ApiUser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page_bytes, "MAX_PAGE_BYTES", 500)
    task = await ann.create_task("Milk")
    await ann.post(f"/tasks/{task}/complete")
    await ann.post(f"/tasks/{task}/comments", text="The *oat* one")
    items = await lines(ann)
    assert [item["position"] for item in items] == sorted({item["position"] for item in items})
    activity = (await ann.get(f"/workspaces/{ann.workspace}/activity"))["items"]
    assert [item for item in items if item in activity] == activity[::-1]
    assert {row["position"] for row in await rows(ann)} == {str(item["position"]) for item in items}


async def test_a_row_says_what_a_field_was_and_is(ann: ApiUser) -> None:
    task = await ann.create_task("Milk")
    edit = {"title": "Bread", "due": "2026-12-01", "labels": ["Shop"], "expected_version": 1}
    assert (await ann.request("PATCH", f"/tasks/{task}", json=edit)).is_success
    edited = {row["field"]: row for row in await rows(ann) if row["stream"] == task and row["version"] != "1"}
    assert {field: (row["old"], row["new"]) for field, row in edited.items()} == {
        "title": ("Milk", "Bread"),
        "due": ("", "2026-12-01"),
        "labels": ("[]", '["Shop"]'),
    }
    assert {(row["actor_kind"], row["actor_id"], row["actor_name"]) for row in edited.values()} == {
        ("human", ann.id, "Ann")
    }


async def test_no_cell_is_a_formula(ann: ApiUser) -> None:
    for title in HOSTILE:
        task = await ann.create_task()
        body = {"description": title, "expected_version": 1}
        assert (await ann.request("PATCH", f"/tasks/{task}", json=body)).is_success
    shown = [row["new"] for row in await rows(ann) if row["field"] == "description" and row["version"] == "2"]
    assert shown[:4] == HARMLESS
    assert not any(
        cell.startswith(("=", "+", "-", "@", "\t", "\r")) for row in await rows(ann) for cell in row.values()
    )
    assert shown[5:] == HOSTILE[5:]


async def test_of_what_was_purged_only_the_fact_is_exported(ann: ApiUser, settings: Settings) -> None:
    task = await ann.create_task("Secret milk")
    assert (await ann.request("DELETE", f"/tasks/{task}", headers={"If-Match": "*"})).is_success
    await purge_all(ann, settings)
    left = [item for item in await lines(ann) if item["stream"] == task]
    assert [(item["type"], item["changes"]) for item in left[:2]] == [("TaskCreated", {}), ("TaskTrashed", {})]
    assert "Secret" not in await exported(ann, "csv")


async def test_only_members_may_export(ann: ApiUser, bob: ApiUser) -> None:
    path = f"/workspaces/{ann.workspace}/export"
    assert_problem(await bob.request("GET", path), 404, "not_found")
    assert_problem(await ann.request("GET", f"{path}?format=xml"), 400, "invalid_parameter")
