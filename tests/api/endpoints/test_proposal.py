"""Proposals over HTTP: what an agent may only propose is written when a member accepts it, if it still holds."""

import asyncio
from typing import Any

import pytest

from infra.ids import new_id
from infra.settings import Settings
from tests.api.endpoints.test_revert import add_member, edit, titles
from tests.api.endpoints.test_trash import purge_all
from tests.api.problems import assert_problem
from tests.api_user import ApiUser

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def agent_of(user: ApiUser) -> ApiUser:
    return await user.with_personal_token("propose", kind="agent")


def command(type_: str, target: str | None = None, version: int | None = None, **data: Any) -> dict[str, Any]:
    named = {"id": target, "expected_version": version}
    return {"type": type_, "data": data, **{name: value for name, value in named.items() if value is not None}}


async def propose(agent: ApiUser, *commands: dict[str, Any], **headers: str) -> dict[str, Any]:
    answer = await agent.request("POST", "/commands", json={"commands": commands}, headers=headers)
    assert answer.status_code == 202, answer.text
    shown: dict[str, Any] = answer.json()
    assert (shown.pop("results"), shown.pop("position")) == ([], int(answer.headers["taskledger-position"]))
    assert answer.headers["location"].endswith(f"/proposals/{shown['id']}")
    return shown


async def accept(user: ApiUser, proposal: dict[str, Any], query: str = "", **headers: str) -> Any:
    return await user.request("POST", f"/proposals/{proposal['id']}/accept{query}", headers=headers)


async def events_of(user: ApiUser, task: str) -> list[str]:
    return [one["type"] for one in (await user.get(f"/tasks/{task}/history"))["items"]]


async def test_a_batch_of_an_agent_becomes_a_proposal_and_writes_nothing_else(ann: ApiUser) -> None:
    agent, task = await agent_of(ann), await ann.create_task("Milk")
    proposal = await propose(
        agent,
        command("RenameTask", task, 1, title="Oat milk"),
        command("CreateTask", project_id=ann.project, title="Bread"),
    )
    assert [one["type"] for one in proposal["commands"]] == ["RenameTask", "CreateTask"]
    assert [one["type"] for one in proposal["events"]] == ["TaskRenamed", "TaskCreated"]
    assert proposal["events"][0]["data"] == {"title": ["Milk", "Oat milk"]}
    assert proposal["seen"] == [{"stream": task, "version": 1}]
    assert (proposal["status"], proposal["proposed_by"]["name"]) == ("pending", "Nightly import")
    assert await titles(ann, task) == ["Milk"]
    assert await events_of(ann, task) == ["TaskCreated"]
    assert await ann.get(f"/proposals/{proposal['id']}") == proposal
    assert (await ann.get(f"/workspaces/{ann.workspace}/proposals"))["items"] == [proposal]


async def test_a_member_accepts_it_as_the_agent_on_their_behalf(ann: ApiUser, bob: ApiUser) -> None:
    await add_member(ann, bob)
    agent, task = await agent_of(ann), await ann.create_task("Milk")
    proposal = await propose(
        agent,
        command("RenameTask", task, 1, title="Oat milk"),
        command("CreateTask", project_id=ann.project, title="Bread"),
        command("AddComment", task_id=task, text="The oat one"),
    )
    answer = await accept(bob, proposal)
    assert answer.status_code == 200, answer.text
    renamed, created, _ = answer.json()["results"]
    assert (renamed["id"], renamed["version"]) == (task, 2)
    assert created["id"] == proposal["commands"][1]["target"]
    assert await titles(ann, task, created["id"]) == ["Oat milk", "Bread"]
    (last, *_) = (await ann.get(f"/tasks/{created['id']}/history"))["items"]
    who = {"kind": "agent", "id": proposal["proposed_by"]["id"], "name": "Nightly import", "on_behalf_of": bob.id}
    assert last["actor"] == who
    assert last["causation_id"] == proposal["id"]
    shown = await ann.get(f"/proposals/{proposal['id']}")
    assert (shown["status"], shown["decided_by"]["name"]) == ("accepted", "Bob")
    listed = await ann.get(
        f"/workspaces/{ann.workspace}/proposals?status=accepted&min_position={answer.json()['position']}"
    )
    assert listed["items"] == [shown]
    assert not (await ann.get(f"/workspaces/{ann.workspace}/proposals?status=pending"))["items"]


async def test_an_accepted_proposal_is_taken_back_by_its_id(ann: ApiUser) -> None:
    task = await ann.create_task("Milk")
    proposal = await propose(await agent_of(ann), command("RenameTask", task, 1, title="Oat milk"))
    assert (await accept(ann, proposal)).status_code == 200
    await ann.post(f"/changes/{proposal['id']}/revert")
    assert await titles(ann, task) == ["Milk"]
    assert (await ann.get(f"/proposals/{proposal['id']}"))["status"] == "accepted"


async def test_what_a_session_proposed_is_taken_back_with_the_session(ann: ApiUser) -> None:
    task, session = await ann.create_task("Milk"), str(new_id())
    agent = await agent_of(ann)
    proposal = await propose(agent, command("RenameTask", task, 1, title="Oat milk"), **{"Taskledger-Session": session})
    assert (await accept(ann, proposal)).status_code == 200
    changes = (await ann.get(f"/sessions/{session}/changes"))["items"]
    assert [one["type"] for one in changes] == ["ProposalAccepted", "TaskRenamed", "ProposalMade"]
    await ann.post(f"/sessions/{session}/revert")
    assert await titles(ann, task) == ["Milk"]


@pytest.mark.parametrize(
    ("path", "body"),
    [("PATCH", {"title": "Water"}), ("PATCH", {"priority": "high"}), ("DELETE", None), ("POST complete", {})],
)
async def test_what_changed_since_refuses_the_proposal(ann: ApiUser, path: str, body: dict[str, Any] | None) -> None:
    task = await ann.create_task("Milk")
    proposal = await propose(await agent_of(ann), command("CompleteTask", task))
    method, _, rest = path.partition(" ")
    answer = await ann.request(method, f"/tasks/{task}/{rest}".rstrip("/"), json=body, headers={"If-Match": "*"})
    assert answer.is_success, answer.text
    before = await events_of(ann, task)
    assert_problem(await accept(ann, proposal), 409, "proposal_outdated")
    assert await events_of(ann, task) == before
    assert (await ann.get(f"/proposals/{proposal['id']}"))["status"] == "pending"


async def test_a_refused_command_is_named_with_its_cause(ann: ApiUser) -> None:
    first, second = await ann.create_task("Milk"), await ann.create_task("Bread")
    agent = await agent_of(ann)
    proposal = await propose(agent, command("CompleteTask", first), command("RenameTask", second, 1, title="Rye"))
    await edit(ann, second, title="Salt")
    params = assert_problem(await accept(ann, proposal), 409, "proposal_outdated")["params"]
    assert params == {"command": 1, "cause": "version_conflict"}
    assert await titles(ann, first, second) == ["Milk", "Salt"]
    assert (await ann.get(f"/tasks/{first}"))["status"] == "open"


async def test_other_fields_may_change_where_a_rebase_is_asked_for(ann: ApiUser) -> None:
    task = await ann.create_task("Milk")
    proposal = await propose(await agent_of(ann), command("EditTask", task, 1, title="Oat milk"))
    await edit(ann, task, priority="high")
    assert_problem(await accept(ann, proposal), 409, "proposal_outdated")
    answer = await accept(ann, proposal, "?on_conflict=rebase")
    assert answer.status_code == 200, answer.text
    shown = await ann.get(f"/tasks/{task}")
    assert (shown["title"], shown["priority"]) == ("Oat milk", "high")


async def test_the_same_field_is_not_overwritten_by_a_rebase(ann: ApiUser) -> None:
    task = await ann.create_task("Milk")
    proposal = await propose(await agent_of(ann), command("EditTask", task, 1, title="Oat milk"))
    await edit(ann, task, title="Water")
    assert_problem(await accept(ann, proposal, "?on_conflict=rebase"), 409, "proposal_outdated")
    assert await titles(ann, task) == ["Water"]


async def test_what_happens_elsewhere_meanwhile_does_not_matter(ann: ApiUser) -> None:
    task = await ann.create_task("Milk")
    agent = await agent_of(ann)
    proposal = await propose(
        agent,
        command("MoveTask", task, 1, column="doing"),
        command("CreateTask", project_id=ann.project, title="Bread"),
    )
    others = [await ann.create_task(f"Other {number}") for number in range(3)]
    await ann.post(f"/tasks/{others[0]}/complete")
    answer = await accept(ann, proposal)
    assert answer.status_code == 200, answer.text
    assert (await ann.get(f"/tasks/{task}"))["column"] == "doing"


async def test_a_dry_run_says_whether_it_still_holds(ann: ApiUser) -> None:
    task = await ann.create_task("Milk")
    proposal = await propose(await agent_of(ann), command("CompleteTask", task))
    tried = (await accept(ann, proposal, "?dry_run=true")).json()
    assert [one["type"] for one in tried["events"]] == ["TaskCompleted", "ProposalAccepted"]
    assert (await ann.get(f"/tasks/{task}"))["status"] == "open"
    await edit(ann, task, title="Water")
    assert_problem(await accept(ann, proposal, "?dry_run=true"), 409, "proposal_outdated")


async def test_a_declined_proposal_cannot_be_accepted(ann: ApiUser) -> None:
    task = await ann.create_task("Milk")
    proposal = await propose(await agent_of(ann), command("CompleteTask", task))
    await ann.post(f"/proposals/{proposal['id']}/decline", reason="Too early")
    again = await ann.post(f"/proposals/{proposal['id']}/decline")
    assert again["version"] == 2
    assert assert_problem(await accept(ann, proposal), 409, "proposal_closed")["params"] == {"status": "declined"}
    shown = await ann.get(f"/proposals/{proposal['id']}")
    assert (shown["status"], shown["reason"], shown["decided_by"]["name"]) == ("declined", "Too early", "Ann")
    assert (await ann.get(f"/tasks/{task}"))["status"] == "open"


async def test_a_proposal_is_accepted_once(ann: ApiUser) -> None:
    task = await ann.create_task("Milk")
    proposal = await propose(await agent_of(ann), command("CompleteTask", task))
    answers = await asyncio.gather(*(accept(ann, proposal) for _ in range(5)))
    assert sorted(one.status_code for one in answers) == [200, 409, 409, 409, 409]
    assert {one.json()["code"] for one in answers if one.status_code == 409} == {"proposal_closed"}
    assert await events_of(ann, task) == ["TaskCompleted", "TaskCreated"]
    declined = await ann.request("POST", f"/proposals/{proposal['id']}/decline", json={})
    assert_problem(declined, 409, "proposal_closed")


async def test_a_repeated_request_has_the_same_answer(ann: ApiUser) -> None:
    task, agent = await ann.create_task("Milk"), await agent_of(ann)
    first, again = [await propose(agent, command("CompleteTask", task), **{"Idempotency-Key": "p"}) for _ in range(2)]
    assert first == again
    answers = [await accept(ann, first, **{"Idempotency-Key": "a"}) for _ in range(2)]
    assert [one.status_code for one in answers] == [200, 200]
    assert answers[0].json() == answers[1].json()
    assert answers[1].headers["idempotent-replayed"] == "true"


async def test_a_command_id_of_an_item_makes_a_repeated_proposal_one(ann: ApiUser) -> None:
    task, agent = await ann.create_task("Milk"), await agent_of(ann)
    item = {**command("CompleteTask", task), "command_id": str(new_id())}
    first, again = await propose(agent, item), await propose(agent, item)
    assert first == again


async def test_a_token_that_may_only_propose_writes_nothing_by_itself(ann: ApiUser) -> None:
    agent, task = await agent_of(ann), await ann.create_task("Milk")
    assert (await agent.get(f"/tasks/{task}"))["title"] == "Milk"
    refused = [
        await agent.request("POST", f"/tasks/{task}/complete", json={}),
        await agent.request("PATCH", f"/tasks/{task}", json={"title": "x"}, headers={"If-Match": "*"}),
        await agent.request("POST", "/tasks/bulk", json={"type": "CompleteTask", "data": {}, "ids": [task]}),
        await agent.request("POST", "/undo"),
    ]
    for answer in refused:
        assert assert_problem(answer, 403, "scope_too_narrow")["params"] == {"needed": "write"}
    independent = {"commands": [command("CompleteTask", task)], "mode": "independent"}
    assert_problem(await agent.request("POST", "/commands", json=independent), 400, "invalid_body")
    proposal = await propose(agent, command("CompleteTask", task))
    assert_problem(await accept(agent, proposal), 403, "scope_too_narrow")
    declined = await agent.request("POST", f"/proposals/{proposal['id']}/decline", json={})
    assert_problem(declined, 403, "scope_too_narrow")
    tried = await agent.request("POST", f"/tasks/{task}/complete?dry_run=true", json={})
    assert [one["type"] for one in tried.json()["events"]] == ["TaskCompleted"]
    assert await events_of(ann, task) == ["TaskCreated"]


async def test_what_is_refused_to_the_agents_user_is_not_proposed(ann: ApiUser, bob: ApiUser) -> None:
    agent, task = await agent_of(bob), await ann.create_task("Milk")
    body = {"commands": [command("CompleteTask", task)]}
    assert_problem(await agent.request("POST", "/commands", json=body), 404, "not_found")
    await add_member(ann, bob, "viewer")
    assert_problem(await agent.request("POST", "/commands", json=body), 403, "forbidden")
    await ann.post(f"/tasks/{task}/complete")
    await add_member(ann, bob)
    assert_problem(await agent.request("POST", "/commands", json=body), 422, "nothing_proposed")


async def test_what_a_user_has_alone_is_not_proposed(ann: ApiUser) -> None:
    agent, task = await agent_of(ann), await ann.create_task("Milk")
    for one in (command("SaveFilter", name="Soon", filter="due<now"), command("WatchTask", task_id=task)):
        body = {"commands": [command("CompleteTask", task), one]}
        problem = assert_problem(await agent.request("POST", "/commands", json=body), 422, "not_proposable")
        assert problem["errors"][0]["pointer"] == "#/commands/1"


async def test_strangers_neither_see_nor_decide_a_proposal(ann: ApiUser, bob: ApiUser) -> None:
    proposal = await propose(await agent_of(ann), command("CompleteTask", await ann.create_task("Milk")))
    path = f"/proposals/{proposal['id']}"
    for answer in (
        await bob.request("GET", path),
        await bob.request("POST", f"{path}/accept"),
        await bob.request("POST", f"{path}/decline", json={}),
        await bob.request("GET", f"/workspaces/{ann.workspace}/proposals"),
    ):
        assert_problem(answer, 404, "not_found")


async def test_a_viewer_sees_a_proposal_and_does_not_decide_it(ann: ApiUser, bob: ApiUser) -> None:
    await add_member(ann, bob, "viewer")
    proposal = await propose(await agent_of(ann), command("CompleteTask", await ann.create_task("Milk")))
    assert await bob.get(f"/proposals/{proposal['id']}") == proposal
    assert_problem(await accept(bob, proposal), 403, "forbidden")
    declined = await bob.request("POST", f"/proposals/{proposal['id']}/decline", json={})
    assert_problem(declined, 403, "forbidden")


async def test_the_permissions_of_who_accepts_count(ann: ApiUser, bob: ApiUser) -> None:
    await add_member(ann, bob)
    project = await ann.get(f"/projects/{ann.project}")
    columns = [{"id": one["id"], "name": f"{one['name']}!"} for one in project["columns"]]
    agent = await agent_of(ann)
    proposal = await propose(agent, command("SetColumns", ann.project, project["version"], columns=columns))
    assert assert_problem(await accept(bob, proposal), 403, "forbidden")["params"] == {"needed": "admin"}
    assert (await accept(ann, proposal)).status_code == 200


async def test_what_is_only_proposed_is_not_taken_back(ann: ApiUser) -> None:
    session = str(new_id())
    wanted = command("CompleteTask", await ann.create_task("Milk"))
    await propose(await agent_of(ann), wanted, **{"Taskledger-Session": session})
    assert_problem(await ann.request("POST", f"/sessions/{session}/revert"), 422, "not_revertible")


async def test_undo_passes_over_a_declined_proposal(ann: ApiUser) -> None:
    task = await ann.create_task("Milk")
    await edit(ann, task, title="Water")
    proposal = await propose(await agent_of(ann), command("CompleteTask", task))
    await ann.post(f"/proposals/{proposal['id']}/decline")
    await ann.post("/undo")
    assert await titles(ann, task) == ["Milk"]


async def test_proposals_are_listed_in_pages_newest_first(ann: ApiUser) -> None:
    agent, task = await agent_of(ann), await ann.create_task("Milk")
    made = [await propose(agent, command("CompleteTask", task)) for _ in range(3)]
    path = f"/workspaces/{ann.workspace}/proposals?limit=2"
    first = await ann.get(path)
    rest = await ann.get(f"{path}&cursor={first['next_cursor']}")
    assert [one["id"] for one in (*first["items"], *rest["items"])] == [one["id"] for one in reversed(made)]
    assert rest["next_cursor"] is None


async def test_a_user_may_propose_too(ann: ApiUser, bob: ApiUser) -> None:
    await add_member(ann, bob)
    task = await ann.create_task("Milk")
    proposal = await propose(await ann.with_personal_token("propose"), command("CompleteTask", task))
    assert (await accept(bob, proposal)).status_code == 200
    (done, *_) = (await ann.get(f"/tasks/{task}/history"))["items"]
    assert done["actor"] == {"kind": "human", "id": ann.id, "name": "Ann", "on_behalf_of": bob.id}


async def test_the_content_of_a_proposal_goes_with_a_purge(ann: ApiUser, settings: Settings) -> None:
    task, secret = await ann.create_task("Milk"), f"secret-{new_id().hex}"
    proposal = await propose(await agent_of(ann), command("RenameTask", task, 1, title=secret))
    await ann.request("DELETE", f"/tasks/{task}", headers={"If-Match": "*"})
    assert secret in (await ann.request("GET", f"/workspaces/{ann.workspace}/export?format=jsonl")).text
    await purge_all(ann, settings)
    shown = await ann.get(f"/proposals/{proposal['id']}")
    assert (shown["commands"], shown["events"]) == ([], [])
    for path in (f"/workspaces/{ann.workspace}/{name}" for name in ("proposals", "activity", "export?format=jsonl")):
        assert secret not in (await ann.request("GET", path)).text
