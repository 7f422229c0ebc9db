"""Two households: neither finds anything of the other's, nor learns that it is there."""

import asyncio
import random

import pytest

from tests.api.checks import nothing_of_anothers_is_found
from tests.api.problems import refused
from tests.visitor import Visitor

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def test_anothers_id_answers_everywhere_as_one_that_there_is_not(ann: Visitor, bob: Visitor) -> None:
    await nothing_of_anothers_is_found(ann, bob)
    await nothing_of_anothers_is_found(bob, ann)


async def test_lists_hold_only_what_is_ones_own(ann: Visitor, bob: Visitor) -> None:
    await bob.task("Secret")
    listed = [
        await ann.get("/workspaces"),
        await ann.get(f"/workspaces/{ann.workspace}/projects"),
        await ann.get(f"/projects/{ann.project}/tasks"),
    ]
    assert [[item["id"] for item in page["items"]] for page in listed] == [[ann.workspace], [ann.project], []]


async def test_a_taken_id_says_nothing_about_whose_it_is(ann: Visitor, bob: Visitor) -> None:
    theirs = {"task": await bob.task("Secret"), "project": bob.project, "workspace": bob.workspace, "user": bob.id}
    for taken in theirs.values():
        answers = [
            await ann.ask("POST", f"/projects/{ann.project}/tasks", json={"title": "x", "id": taken}),
            await ann.ask(
                "POST", f"/workspaces/{ann.workspace}/projects", json={"name": "x", "key": "XX", "id": taken}
            ),
            await ann.ask("POST", "/workspaces", json={"name": "x", "id": taken}),
            await ann.ask("POST", "/workspaces", json={"name": "x", "id": taken, "expected_version": 0}),
        ]
        for answer in answers:
            problem = refused(answer, 409, "id_taken")
            assert problem.keys() <= {"type", "title", "status", "detail", "instance", "code", "trace_id"}
            assert "Secret" not in answer.text


async def test_a_taken_id_in_anothers_project_is_not_found_rather_than_taken(ann: Visitor, bob: Visitor) -> None:
    taken = await bob.task()
    answer = await ann.ask("POST", f"/projects/{bob.project}/tasks", json={"title": "x", "id": taken})
    refused(answer, 404, "not_found")


async def test_a_lost_race_for_anothers_task_shows_no_events(ann: Visitor, bob: Visitor) -> None:
    task = await bob.task("Secret")
    for headers, body in (({"If-Match": '"7"'}, {"title": "x"}), ({}, {"title": "x", "expected_version": 7})):
        answer = await ann.ask("PATCH", f"/tasks/{task}", json=body, headers=headers)
        refused(answer, 404, "not_found")
        assert "Secret" not in answer.text


async def test_anothers_etag_is_not_confirmed(ann: Visitor, bob: Visitor) -> None:
    task = await bob.task()
    bob.fold()
    etag = (await bob.ask("GET", f"/tasks/{task}")).headers["etag"]
    refused(await ann.ask("GET", f"/tasks/{task}", headers={"If-None-Match": etag}), 404, "not_found")


async def test_an_answer_cached_for_its_owner_is_not_anothers(ann: Visitor, bob: Visitor) -> None:
    task = await bob.task()
    for path in (f"/tasks/{task}", f"/projects/{bob.project}", f"/workspaces/{bob.workspace}"):
        await bob.get(path)
        await bob.get(path)
        refused(await ann.ask("GET", path), 404, "not_found")


async def test_requests_of_two_at_once_never_cross(ann: Visitor, bob: Visitor) -> None:
    tasks = {ann.id: await ann.task("Ann's"), bob.id: await bob.task("Bob's")}
    ann.fold()
    order = random.Random(7)
    visits = [order.choice([(ann, bob), (bob, ann)]) for _ in range(100)]

    async def look(one: Visitor, other: Visitor) -> None:
        mine, theirs = await asyncio.gather(
            one.ask("GET", f"/tasks/{tasks[one.id]}"), one.ask("GET", f"/tasks/{tasks[other.id]}")
        )
        assert mine.json()["id"] == tasks[one.id]
        refused(theirs, 404, "not_found")

    await asyncio.gather(*(look(one, other) for one, other in visits))


async def test_a_human_key_is_looked_up_among_ones_own_tasks_only(ann: Visitor, bob: Visitor) -> None:
    mine, _ = await ann.task("Ann's"), await bob.task("Bob's")
    await bob.task("Bob's second")
    assert (await ann.get("/tasks/KIT-1"))["id"] == mine
    found, absent = await ann.ask("GET", "/tasks/KIT-2"), await ann.ask("GET", "/tasks/KIT-9")
    assert refused(found, 404)["detail"] == refused(absent, 404)["detail"]
    answer = await ann.ask("POST", "/tasks/KIT-1/complete")
    assert answer.json()["id"] == mine


async def test_a_human_key_of_two_workspaces_is_ambiguous_and_says_not_which(ann: Visitor) -> None:
    await ann.task()
    second = (await ann.post("/workspaces", name="Work"))["id"]
    project = (await ann.post(f"/workspaces/{second}/projects", name="Kitchen too", key="KIT"))["id"]
    await ann.post(f"/projects/{project}/tasks", title="Cups")
    ann.fold()
    for method, path in (("GET", "/tasks/KIT-1"), ("POST", "/tasks/KIT-1/complete"), ("GET", "/tasks/KIT-1/history")):
        refused(await ann.ask(method, path), 400, "ambiguous_key")
