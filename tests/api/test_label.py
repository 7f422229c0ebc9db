"""Labels over HTTP: one in any case of letters, with a colour, in the catalogue of their workspace and no other."""

from typing import Any
from urllib.parse import quote

import httpx
import pytest

from infra.ids import new_id
from tests.api.problems import refused
from tests.examples import OTHER_WORKSPACE
from tests.visitor import Visitor

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def colour(who: Visitor, label: str, colour: str | None, **request: Any) -> httpx.Response:
    path = f"/workspaces/{who.workspace}/labels/{quote(label, safe='')}"
    return await who.ask("PUT", path, json={"colour": colour}, **request)


async def catalogue(who: Visitor) -> list[tuple[str, str | None]]:
    items = (await who.get(f"/workspaces/{who.workspace}/labels"))["items"]
    return [(item["name"], item["colour"]) for item in items]


async def test_a_label_is_in_the_catalogue_from_when_it_is_first_on_a_task_or_coloured(ann: Visitor) -> None:
    assert await catalogue(ann) == []
    task = await ann.task(labels=["shop", "Before Friday"])
    await ann.post(f"/tasks/{task}/label", label="SHOP")
    await ann.post(f"/tasks/{task}/label", label="apart")
    assert (await colour(ann, "Zebra", "#FFFFFF")).status_code == 200
    shown = [("apart", None), ("Before Friday", None), ("shop", None), ("Zebra", "#ffffff")]
    assert await catalogue(ann) == shown
    await ann.post(f"/tasks/{task}/unlabel", label="apart")
    assert await catalogue(ann) == shown


async def test_a_colour_is_set_changed_and_taken_away(ann: Visitor) -> None:
    await ann.task(labels=["shop"])
    answers = [await colour(ann, *one) for one in (("Shop", "#cc3300"), ("SHOP", "#CC3300"), ("shop", None))]
    assert [(answer.status_code, answer.json()["version"]) for answer in answers] == [(200, 1), (200, 1), (200, 2)]
    (item,) = (await ann.get(f"/workspaces/{ann.workspace}/labels"))["items"]
    assert (item["name"], item["colour"], item["version"]) == ("shop", None, 2)
    assert {answer.json()["id"] for answer in answers} == {item["id"]}
    activity = (await ann.get(f"/workspaces/{ann.workspace}/activity"))["items"]
    assert [one["changes"] for one in activity if one["stream"] == item["id"]] == [
        {"colour": ["#cc3300", None]},
        {"name": [None, "Shop"], "colour": [None, "#cc3300"]},
    ]


async def test_a_colour_that_somebody_changed_since_is_a_conflict_for_who_names_a_version(ann: Visitor) -> None:
    await colour(ann, "shop", "#cc3300")
    problem = refused(await colour(ann, "shop", "#000000", headers={"If-Match": '"0"'}), 412, "version_conflict")
    assert (problem["conflicting_fields"], problem["current"]["colour"]) == (["colour"], "#cc3300")
    assert (await colour(ann, "shop", "#000000", headers={"If-Match": '"1"'})).status_code == 200


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
async def test_any_name_can_stand_in_an_address(ann: Visitor, name: str) -> None:
    escaped = quote(name, safe="").replace(".", "%2E")
    path = f"http://test/api/v1/workspaces/{ann.workspace}/labels/{escaped}"
    answer = await ann.ask("PUT", path, json={"colour": "#cc3300"})
    assert answer.status_code == 200, answer.text
    assert await catalogue(ann) == [(name, "#cc3300")]


@pytest.mark.parametrize(
    "name",
    ["a/b", "%20", "%00", "%1b[31m", "a%0Ab", "%ff", "%c0%af", "%E2%80%AE", "%E2%80%8B", "x" * 101],
)
async def test_what_is_no_name_in_an_address_is_refused(ann: Visitor, name: str) -> None:
    path = f"/workspaces/{ann.workspace}/labels/{name}"
    refused(await ann.ask("PUT", path, json={"colour": "#cc3300"}), 400, "invalid_label")
    assert await catalogue(ann) == []


async def test_a_name_that_an_address_cannot_hold_is_refused_there_and_taken_in_a_batch(ann: Visitor) -> None:
    for path, status in (("%2F", 405), ("", 405), ("a/", 400)):
        answer = await ann.ask("PUT", f"/workspaces/{ann.workspace}/labels/{path}", json={"colour": "#cc3300"})
        assert answer.status_code == status, answer.text
    data = {"workspace_id": ann.workspace, "label": "/", "colour": "#cc3300"}
    await ann.post("/commands", mode="atomic", commands=[{"type": "ColourLabel", "data": data}])
    assert await catalogue(ann) == [("/", "#cc3300")]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "#"),
        ({"colour": "red"}, "#/colour"),
        ({"colour": "#c30"}, "#/colour"),
        ({"colour": "#cc33001"}, "#/colour"),
        ({"colour": "#cc330g"}, "#/colour"),
        ({"colour": "#cc3300\n"}, "#/colour"),
        ({"colour": 7}, "#/colour"),
        ({"colour": "#cc3300", "name": "x"}, "#"),
        ({"colour": "#cc3300", "label": "other"}, "#/label"),
        ({"colour": "#cc3300", "workspace_id": str(OTHER_WORKSPACE)}, "#/workspace_id"),
    ],
    ids=str,
)
async def test_what_is_no_colour_is_refused(ann: Visitor, body: dict[str, Any], pointer: str) -> None:
    answer = await ann.ask("PUT", f"/workspaces/{ann.workspace}/labels/shop", json=body)
    assert refused(answer, 400)["errors"][0]["pointer"] == pointer
    assert await catalogue(ann) == []


async def test_a_batch_names_a_label_in_data(ann: Visitor) -> None:
    data = {"workspace_id": ann.workspace, "label": "Shop", "colour": "#cc3300"}
    for mode, status in (("atomic", 200), ("independent", 207)):
        batch = {"mode": mode, "commands": [{"type": "ColourLabel", "data": data}]}
        answer = await ann.ask("POST", "/commands", json=batch)
        assert answer.status_code == status, answer.text
        assert answer.json()["results"][0]["version"] == 1
    assert await catalogue(ann) == [("Shop", "#cc3300")]
    for wrong in ({"id": str(new_id()), "data": data}, {"data": {**data, "label": None}}, {"data": {"colour": None}}):
        batch = {"mode": "atomic", "commands": [{"type": "ColourLabel", **wrong}]}
        refused(await ann.ask("POST", "/commands", json=batch), 400, "invalid_body")


async def test_two_tenants_with_the_same_labels_and_keys_never_meet(ann: Visitor, bob: Visitor) -> None:
    """Both have the project KIT, with a task that is labelled shop."""
    mine, theirs = await ann.task(labels=["shop"]), await bob.task(labels=["Shop"])
    await colour(ann, "shop", "#cc3300")
    assert await catalogue(ann) == [("shop", "#cc3300")]
    assert await catalogue(bob) == [("Shop", None)]
    await colour(bob, "shop", "#0033cc")
    await bob.post(f"/tasks/{theirs}/unlabel", label="SHOP")
    await bob.post(f"/tasks/{theirs}/label", label="theirs")
    assert await catalogue(ann) == [("shop", "#cc3300")]
    assert (await ann.get(f"/tasks/{mine}"))["labels"] == ["shop"]
    assert (await ann.get("/tasks/KIT-1"))["id"] == mine
    ids = [(await who.get(f"/workspaces/{who.workspace}/labels"))["items"][0]["id"] for who in (ann, bob)]
    assert ids[0] != ids[1]
    refused(await ann.ask("GET", f"/workspaces/{bob.workspace}/labels"), 404, "not_found")
    guess = {"type": "LabelTask", "id": theirs, "data": {"label": "x"}}
    refused(await ann.ask("POST", "/commands", json={"mode": "atomic", "commands": [guess]}), 404, "not_found")
