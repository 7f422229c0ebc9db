"""Labels over HTTP: caseless, with a colour, listed in their workspace only."""

from typing import Any
from urllib.parse import quote

import httpx
import pytest

from infra.ids import new_id
from tests.api.problems import assert_problem
from tests.api_user import ApiUser
from tests.examples import OTHER_WORKSPACE

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def set_colour(who: ApiUser, label: str, colour: str | None, **request: Any) -> httpx.Response:
    path = f"/workspaces/{who.workspace}/labels/{quote(label, safe='')}"
    return await who.request("PUT", path, json={"colour": colour}, **request)


async def list_labels(who: ApiUser) -> list[tuple[str, str | None]]:
    items = (await who.get(f"/workspaces/{who.workspace}/labels"))["items"]
    return [(item["name"], item["colour"]) for item in items]


async def test_a_label_is_listed_once_used_or_coloured(ann: ApiUser) -> None:
    assert await list_labels(ann) == []
    task = await ann.create_task(labels=["shop", "Before Friday"])
    await ann.post(f"/tasks/{task}/label", label="SHOP")
    await ann.post(f"/tasks/{task}/label", label="apart")
    assert (await set_colour(ann, "Zebra", "#FFFFFF")).status_code == 200
    shown = [("apart", None), ("Before Friday", None), ("shop", None), ("Zebra", "#ffffff")]
    assert await list_labels(ann) == shown
    await ann.post(f"/tasks/{task}/unlabel", label="apart")
    assert await list_labels(ann) == shown


async def test_a_label_that_was_listed_gets_its_first_colour(ann: ApiUser) -> None:
    """The first event of its stream is not the first that its document has."""
    await ann.create_task(labels=["Shop"])
    assert await list_labels(ann) == [("Shop", None)]
    await set_colour(ann, "shop", "#cc3300")
    assert await list_labels(ann) == [("Shop", "#cc3300")]


async def test_a_colour_is_set_changed_and_taken_away(ann: ApiUser) -> None:
    await ann.create_task(labels=["shop"])
    answers = [await set_colour(ann, *one) for one in (("Shop", "#cc3300"), ("SHOP", "#CC3300"), ("shop", None))]
    assert [(answer.status_code, answer.json()["version"]) for answer in answers] == [(200, 1), (200, 1), (200, 2)]
    (item,) = (await ann.get(f"/workspaces/{ann.workspace}/labels"))["items"]
    assert (item["name"], item["colour"], item["version"]) == ("shop", None, 2)
    assert {answer.json()["id"] for answer in answers} == {item["id"]}
    activity = (await ann.get(f"/workspaces/{ann.workspace}/activity"))["items"]
    assert [one["changes"] for one in activity if one["stream"] == item["id"]] == [
        {"colour": ["#cc3300", None]},
        {"name": [None, "Shop"], "colour": [None, "#cc3300"]},
    ]


async def test_a_stale_version_of_a_colour_is_a_conflict(ann: ApiUser) -> None:
    await set_colour(ann, "shop", "#cc3300")
    problem = assert_problem(
        await set_colour(ann, "shop", "#000000", headers={"If-Match": '"0"'}), 412, "version_conflict"
    )
    assert (problem["conflicting_fields"], problem["current"]["colour"]) == (["colour"], "#cc3300")
    assert (await set_colour(ann, "shop", "#000000", headers={"If-Match": '"1"'})).status_code == 200


@pytest.mark.parametrize(
    "name",
    [
        "a/b",
        "a//b/",
        "..",
        "a b",
        "100%",
        "a%2Fb",
        "+",
        "?",
        "#1",
        "später",
        "🛒",
        "a:b;c,d",
        "labels/labels",
        "x" * 100,
    ],
)
async def test_any_label_name_works_in_a_path(ann: ApiUser, name: str) -> None:
    escaped = quote(name, safe="").replace(".", "%2E")
    path = f"http://test/api/v1/workspaces/{ann.workspace}/labels/{escaped}"
    answer = await ann.request("PUT", path, json={"colour": "#cc3300"})
    assert answer.status_code == 200, answer.text
    assert await list_labels(ann) == [(name, "#cc3300")]


@pytest.mark.parametrize(
    "name",
    ["a/b", "%20", "%00", "%1b[31m", "a%0Ab", "%ff", "%c0%af", "%E2%80%AE", "%E2%80%8B", "x" * 101],
)
async def test_an_invalid_label_name_in_a_path_is_refused(ann: ApiUser, name: str) -> None:
    path = f"/workspaces/{ann.workspace}/labels/{name}"
    assert_problem(await ann.request("PUT", path, json={"colour": "#cc3300"}), 400, "invalid_label")
    assert await list_labels(ann) == []


async def test_a_name_that_a_path_cannot_hold_works_in_a_batch(ann: ApiUser) -> None:
    for path, status in (("%2F", 405), ("", 405), ("a/", 400)):
        answer = await ann.request("PUT", f"/workspaces/{ann.workspace}/labels/{path}", json={"colour": "#cc3300"})
        assert answer.status_code == status, answer.text
    data = {"workspace_id": ann.workspace, "label": "/", "colour": "#cc3300"}
    await ann.post("/commands", mode="atomic", commands=[{"type": "ColourLabel", "data": data}])
    assert await list_labels(ann) == [("/", "#cc3300")]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "#/colour"),
        ({"colour": "red"}, "#/colour"),
        ({"colour": "#c30"}, "#/colour"),
        ({"colour": "#cc33001"}, "#/colour"),
        ({"colour": "#cc330g"}, "#/colour"),
        ({"colour": "#cc3300\n"}, "#/colour"),
        ({"colour": 7}, "#/colour"),
        ({"colour": "#cc3300", "name": "x"}, "#/name"),
        ({"colour": "#cc3300", "label": "other"}, "#/label"),
        ({"colour": "#cc3300", "workspace_id": str(OTHER_WORKSPACE)}, "#/workspace_id"),
    ],
    ids=str,
)
async def test_an_invalid_colour_is_refused(ann: ApiUser, body: dict[str, Any], pointer: str) -> None:
    answer = await ann.request("PUT", f"/workspaces/{ann.workspace}/labels/shop", json=body)
    assert assert_problem(answer, 400)["errors"][0]["pointer"] == pointer
    assert await list_labels(ann) == []


async def test_a_batch_names_a_label_in_data(ann: ApiUser) -> None:
    data = {"workspace_id": ann.workspace, "label": "Shop", "colour": "#cc3300"}
    for mode, status in (("atomic", 200), ("independent", 207)):
        batch = {"mode": mode, "commands": [{"type": "ColourLabel", "data": data}]}
        answer = await ann.request("POST", "/commands", json=batch)
        assert answer.status_code == status, answer.text
        assert answer.json()["results"][0]["version"] == 1
    assert await list_labels(ann) == [("Shop", "#cc3300")]
    for wrong in ({"id": str(new_id()), "data": data}, {"data": {**data, "label": None}}, {"data": {"colour": None}}):
        batch = {"mode": "atomic", "commands": [{"type": "ColourLabel", **wrong}]}
        assert_problem(await ann.request("POST", "/commands", json=batch), 400, "invalid_body")


async def test_equal_labels_and_keys_of_two_tenants_stay_apart(ann: ApiUser, bob: ApiUser) -> None:
    """Both users have a project KIT with a task labelled shop."""
    mine, theirs = await ann.create_task(labels=["shop"]), await bob.create_task(labels=["Shop"])
    await set_colour(ann, "shop", "#cc3300")
    assert await list_labels(ann) == [("shop", "#cc3300")]
    assert await list_labels(bob) == [("Shop", None)]
    await set_colour(bob, "shop", "#0033cc")
    await bob.post(f"/tasks/{theirs}/unlabel", label="SHOP")
    await bob.post(f"/tasks/{theirs}/label", label="theirs")
    assert await list_labels(ann) == [("shop", "#cc3300")]
    assert (await ann.get(f"/tasks/{mine}"))["labels"] == ["shop"]
    assert (await ann.get("/tasks/KIT-1"))["id"] == mine
    ids = [(await who.get(f"/workspaces/{who.workspace}/labels"))["items"][0]["id"] for who in (ann, bob)]
    assert ids[0] != ids[1]
    assert_problem(await ann.request("GET", f"/workspaces/{bob.workspace}/labels"), 404, "not_found")
    guess = {"type": "LabelTask", "id": theirs, "data": {"label": "x"}}
    assert_problem(
        await ann.request("POST", "/commands", json={"mode": "atomic", "commands": [guess]}), 404, "not_found"
    )
