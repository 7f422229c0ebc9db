"""Tenant isolation: no tenant can read another's data or learn that they exist."""

import asyncio
import random

import pytest

from tests.api.guarantees import ids_of_another_tenant_are_not_found
from tests.api.problems import assert_problem
from tests.api_user import ApiUser

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def test_ids_of_another_tenant_answer_as_unknown_ids(ann: ApiUser, bob: ApiUser) -> None:
    await ids_of_another_tenant_are_not_found(ann, bob)
    await ids_of_another_tenant_are_not_found(bob, ann)


async def test_lists_hold_the_tenants_own_items_only(ann: ApiUser, bob: ApiUser) -> None:
    await bob.create_task("Secret")
    listed = [
        await ann.get("/workspaces"),
        await ann.get(f"/workspaces/{ann.workspace}/projects"),
        await ann.get(f"/projects/{ann.project}/tasks"),
    ]
    assert [[item["id"] for item in page["items"]] for page in listed] == [[ann.workspace], [ann.project], []]


async def test_a_taken_id_does_not_reveal_its_tenant(ann: ApiUser, bob: ApiUser) -> None:
    theirs = {
        "task": await bob.create_task("Secret"),
        "project": bob.project,
        "workspace": bob.workspace,
        "user": bob.id,
    }
    for taken in theirs.values():
        answers = [
            await ann.request("POST", f"/projects/{ann.project}/tasks", json={"title": "x", "id": taken}),
            await ann.request(
                "POST", f"/workspaces/{ann.workspace}/projects", json={"name": "x", "key": "XX", "id": taken}
            ),
            await ann.request("POST", "/workspaces", json={"name": "x", "id": taken}),
            await ann.request("POST", "/workspaces", json={"name": "x", "id": taken, "expected_version": 0}),
        ]
        for answer in answers:
            problem = assert_problem(answer, 409, "id_taken")
            assert problem.keys() <= {"type", "title", "status", "detail", "instance", "code", "trace_id"}
            assert "Secret" not in answer.text


async def test_a_taken_id_in_anothers_project_is_not_found_rather_than_taken(ann: ApiUser, bob: ApiUser) -> None:
    taken = await bob.create_task()
    answer = await ann.request("POST", f"/projects/{bob.project}/tasks", json={"title": "x", "id": taken})
    assert_problem(answer, 404, "not_found")


async def test_a_conflict_on_another_tenants_task_shows_no_events(ann: ApiUser, bob: ApiUser) -> None:
    task = await bob.create_task("Secret")
    for headers, body in (({"If-Match": '"7"'}, {"title": "x"}), ({}, {"title": "x", "expected_version": 7})):
        answer = await ann.request("PATCH", f"/tasks/{task}", json=body, headers=headers)
        assert_problem(answer, 404, "not_found")
        assert "Secret" not in answer.text


async def test_an_etag_of_another_tenant_is_not_confirmed(ann: ApiUser, bob: ApiUser) -> None:
    task = await bob.create_task()
    bob.fold()
    etag = (await bob.request("GET", f"/tasks/{task}")).headers["etag"]
    assert_problem(await ann.request("GET", f"/tasks/{task}", headers={"If-None-Match": etag}), 404, "not_found")


async def test_a_cached_answer_is_not_served_to_another_tenant(ann: ApiUser, bob: ApiUser) -> None:
    task = await bob.create_task()
    for path in (f"/tasks/{task}", f"/projects/{bob.project}", f"/workspaces/{bob.workspace}"):
        await bob.get(path)
        await bob.get(path)
        assert_problem(await ann.request("GET", path), 404, "not_found")


async def test_concurrent_requests_of_two_tenants_stay_apart(ann: ApiUser, bob: ApiUser) -> None:
    tasks = {ann.id: await ann.create_task("Ann's"), bob.id: await bob.create_task("Bob's")}
    ann.fold()
    order = random.Random(7)
    visits = [order.choice([(ann, bob), (bob, ann)]) for _ in range(100)]

    async def look(one: ApiUser, other: ApiUser) -> None:
        mine, theirs = await asyncio.gather(
            one.request("GET", f"/tasks/{tasks[one.id]}"), one.request("GET", f"/tasks/{tasks[other.id]}")
        )
        assert mine.json()["id"] == tasks[one.id]
        assert_problem(theirs, 404, "not_found")

    await asyncio.gather(*(look(one, other) for one, other in visits))


async def test_a_task_key_is_resolved_among_own_tasks_only(ann: ApiUser, bob: ApiUser) -> None:
    mine, _ = await ann.create_task("Ann's"), await bob.create_task("Bob's")
    await bob.create_task("Bob's second")
    assert (await ann.get("/tasks/KIT-1"))["id"] == mine
    found, absent = await ann.request("GET", "/tasks/KIT-2"), await ann.request("GET", "/tasks/KIT-9")
    assert assert_problem(found, 404)["detail"] == assert_problem(absent, 404)["detail"]
    answer = await ann.request("POST", "/tasks/KIT-1/complete")
    assert answer.json()["id"] == mine


async def test_a_task_key_in_two_workspaces_is_ambiguous_without_details(ann: ApiUser) -> None:
    await ann.create_task()
    second = (await ann.post("/workspaces", name="Work"))["id"]
    project = (await ann.post(f"/workspaces/{second}/projects", name="Kitchen too", key="KIT"))["id"]
    await ann.post(f"/projects/{project}/tasks", title="Cups")
    ann.fold()
    for method, path in (("GET", "/tasks/KIT-1"), ("POST", "/tasks/KIT-1/complete"), ("GET", "/tasks/KIT-1/history")):
        assert_problem(await ann.request(method, path), 400, "ambiguous_key")
