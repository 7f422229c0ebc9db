"""Command mode: `dry_run` writes nothing and `on_conflict=rebase` merges, on every command route."""

import asyncio
from typing import Any

import httpx
import pytest

from api.ledger import Ledger
from commands.handling.outcome import Committed, DryRunOutcome, Outcome
from commands.handling.request import CommandRequest
from infra.database.connections import connect
from infra.ids import new_id
from infra.settings import Settings
from tests import planted_defects
from tests.api.guarantees import UPLOAD, UPLOAD_OPERATIONS, VALID_BODIES, operations
from tests.api.problems import assert_problem
from tests.api_user import ApiUser
from tests.planted_defects import assert_async_check_fails

pytestmark = pytest.mark.asyncio(loop_scope="package")

DRY, REBASE = {"dry_run": "true"}, {"on_conflict": "rebase"}


def table_digests(settings: Settings) -> dict[str, str]:
    """A digest of every table that a command can write to."""
    tables = """select table_schema || '.' || table_name from information_schema.tables
        where table_schema in ('log', 'auth') and table_type = 'BASE TABLE'"""
    digest = "select md5(coalesce(string_agg(md5(one::text), '' order by md5(one::text)), '')) from {} one"
    with connect(settings.migration_url or settings.database_url) as owner:
        names = [str(name) for (name,) in owner.execute(tables).fetchall()]
        return {name: str(owner.execute(digest.format(name).encode()).fetchone()) for name in names}


async def every_dry_run_writes_nothing(settings: Settings, ann: ApiUser, user: str) -> None:
    """Every operation that takes the parameter, from the served OpenAPI document."""
    there = {
        "workspace": ann.workspace,
        "project": ann.project,
        "user": user,
        "emoji": "%F0%9F%91%8D",
        "column": "done",
    }
    there["task"] = await ann.create_task()
    there["invitation"] = (await ann.post(f"/workspaces/{ann.workspace}/invitations", email="eve@example.com"))["id"]
    ann.fold()
    bodies = {
        **VALID_BODIES,
        "create_workspace": {"name": "Garden"},
        "accept_invitation": {"token": "of nobody"},
        "relate_task": {"kind": "blocks", "task_id": await ann.create_task()},
        "carry_out": {"commands": [{"type": "CompleteTask", "id": there["task"], "data": {}}]},
    }
    before, done = table_digests(settings), 0
    for name, (method, path, described) in (await operations(ann.client)).items():
        if "dry_run" not in {one["name"] for one in described.get("parameters", [])}:
            continue
        address = path
        for one in described["parameters"]:
            if one["in"] == "path":
                address = address.replace(f"{{{one['name']}}}", there.get(one["name"], user))
        options = UPLOAD if name in UPLOAD_OPERATIONS else {"json": bodies.get(name, {})}
        headers = {"Idempotency-Key": str(new_id()), **options.get("headers", {})}
        answer = await ann.request(method, f"http://test{address}", **{**options, "params": DRY, "headers": headers})
        assert table_digests(settings) == before, name
        if answer.status_code == 200:
            assert_predicted(answer)
            done += 1
        else:
            assert_problem(answer, answer.status_code)
            assert answer.status_code != 400, f"{name}: BODIES needs a valid body ({answer.text})"
    assert done >= 12


def assert_predicted(answer: httpx.Response) -> None:
    body = answer.json()
    if "refused_count" in body:  # a bulk change tells how many tasks would change
        assert (body["command_id"], answer.headers["taskledger-position"]) == (None, str(body["position"]))
        return
    if "version" not in body and "results" not in body:  # a revert tells what would be taken back, if anything
        assert body.keys() == ({"position", "reverted", "preview", "events"} if "reverted" in body else {"position"})
        return
    assert {"position", "events"} < body.keys() <= {"id", "version", "key", "results", "position", "warnings", "events"}
    for result in body.get("results", [body]):
        assert result.keys() >= {"id", "version"}
    assert answer.headers["taskledger-position"] == str(body["position"])
    assert answer.headers["cache-control"] == "no-store"
    assert not {"etag", "location", "idempotent-replayed"} & set(answer.headers)
    for event in body["events"]:
        assert event.keys() == {"stream", "type", "version", "data"}
        assert "type" not in event["data"]


@pytest.mark.slow
async def test_every_dry_run_writes_nothing(settings: Settings, ann: ApiUser, bob: ApiUser) -> None:
    await every_dry_run_writes_nothing(settings, ann, bob.id)


async def test_a_dry_run_that_writes_is_noticed(
    settings: Settings, ann: ApiUser, bob: ApiUser, monkeypatch: pytest.MonkeyPatch
) -> None:
    planted_defects.a_dry_run_that_writes(monkeypatch)
    await assert_async_check_fails(lambda: every_dry_run_writes_nothing(settings, ann, bob.id))


async def test_an_endpoint_with_side_effects_in_a_dry_run_is_noticed(
    settings: Settings, ann: ApiUser, bob: ApiUser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows beside the log are written or deleted although the command was a dry run."""
    handle = Ledger.handle

    async def going_on(ledger: Ledger, order: CommandRequest) -> Outcome:
        outcome = await handle(ledger, order)
        return Committed(outcome.results, outcome.position) if isinstance(outcome, DryRunOutcome) else outcome

    monkeypatch.setattr(Ledger, "handle", going_on)
    await assert_async_check_fails(lambda: every_dry_run_writes_nothing(settings, ann, bob.id))


async def test_only_commands_take_dry_run_and_on_conflict(client: httpx.AsyncClient) -> None:
    for name, (_, _, described) in (await operations(client)).items():
        parameters = {one["name"]: one for one in described.get("parameters", []) if one["in"] == "query"}
        answers = {status: answer for status, answer in described["responses"].items() if status in {"200", "201"}}
        says = str(answers)
        commands = name != "register" and ("/WriteResult'" in says or "/BatchResult'" in says)
        reverts = "/RevertResult'" in says
        assert (parameters.keys() >= {"dry_run", "on_conflict"}) == (commands or reverts), name
        if commands:
            assert parameters["dry_run"]["schema"]["type"] == "boolean"
            assert parameters["on_conflict"]["schema"]["enum"] == ["rebase"]
            assert all(parameters[one]["description"] for one in ("dry_run", "on_conflict"))
            results = [answer["content"]["application/json"]["schema"] for status, answer in answers.items()]
            assert len({str(schema) for schema in results}) == 1, f"{name}: a dry run has an answer of its own"


async def test_a_dry_run_predicts_the_written_events(ann: ApiUser, settings: Settings) -> None:
    task, path = str(new_id()), f"/projects/{ann.project}/tasks"
    body = {"id": task, "title": "Bread", "due": "2026-12-01"}
    dry = (await ann.request("POST", path, json=body, params=DRY)).json()
    assert (await ann.request("GET", f"/tasks/{task}")).status_code == 404
    done = await ann.post(path, **body)
    assert [event["type"] for event in dry["events"]] == ["TaskNumbersTaken", "TaskCreated"]
    assert dry["events"][1]["data"]["key"] == done["key"]
    assert dry["position"] == done["position"] - 2
    assert [dry[name] for name in ("id", "version", "key")] == [done[name] for name in ("id", "version", "key")]
    sql = """select originator_id::text, topic, originator_version, convert_from(state, 'utf8')::jsonb - 'type'
        from log.events where notification_id > %s and notification_id <= %s order by notification_id"""
    with connect(settings.database_url) as connection:
        found = connection.execute(sql, (dry["position"], done["position"])).fetchall()
    for data in (found[1][-1], dry["events"][1]["data"]):  # made of the time of each request
        data.pop("rank")
    assert found == [tuple(event.values()) for event in dry["events"]]


async def test_a_no_op_has_no_events(ann: ApiUser) -> None:
    task = await ann.create_task()
    done = await ann.post(f"/tasks/{task}/complete")
    dry = await ann.request("POST", f"/tasks/{task}/complete", params=DRY)
    assert (dry.status_code, dry.json()["events"]) == (200, [])
    assert dry.json()["position"] >= done["position"]


@pytest.mark.parametrize("params", [DRY, REBASE, DRY | REBASE, {"dry_run": "false"}, {}])
async def test_refusals_are_the_same_in_every_mode(ann: ApiUser, bob: ApiUser, params: dict[str, str]) -> None:
    task, theirs = await ann.create_task(), await bob.create_task()
    await ann.request("PATCH", f"/tasks/{task}", json={"title": "Oat milk", "expected_version": 1})
    edit: dict[str, Any] = {"params": params, "json": {"title": "Bread"}}
    late: dict[str, Any] = {"params": params, "json": {"title": "Bread", "expected_version": 1}}
    assert_problem(await ann.request("PATCH", f"/tasks/{task}", **edit), 428, "version_required")
    conflict = assert_problem(await ann.request("PATCH", f"/tasks/{task}", **late), 409, "version_conflict")
    assert (conflict["expected_version"], conflict["current_version"]) == (1, 2)
    assert (conflict["conflicting_fields"], conflict["rebase_possible"]) == (["title"], False)
    headers = {"If-Match": '"1"'}
    assert_problem(await ann.request("PATCH", f"/tasks/{task}", headers=headers, **edit), 412, "version_conflict")
    assert_problem(await ann.request("PATCH", f"/tasks/{theirs}", **late), 404, "not_found")
    move = {"params": params, "json": {"column": "nowhere", "expected_version": 2}}
    assert_problem(await ann.request("POST", f"/tasks/{task}/move", **move), 422, "unknown_column")
    assert_problem(await ann.request("PATCH", f"/tasks/{task}", params=params, json={"title": ""}), 400, "invalid_body")
    key = {"Idempotency-Key": ""}
    assert_problem(await ann.request("PATCH", f"/tasks/{task}", headers=key, **late), 400, "invalid_idempotency_key")
    assert_problem(await ann.client.patch(f"/tasks/{task}", **late), 401)
    assert (await ann.get(f"/tasks/{task}"))["version"] == 2


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("dry_run=", "invalid_parameter"),
        ("dry_run", "invalid_parameter"),
        ("dry_run=1", "invalid_parameter"),
        ("dry_run=True", "invalid_parameter"),
        ("dry_run=yes", "invalid_parameter"),
        ("dry_run=%00", "invalid_parameter"),
        ("dry_run=true&dry_run=true", "repeated_parameter"),
        ("dry_run=true&dry_run=false", "repeated_parameter"),
        ("Dry_run=true", "unknown_parameter"),
        ("dry_run[]=true", "unknown_parameter"),
        ("on_conflict=", "invalid_parameter"),
        ("on_conflict=merge", "invalid_parameter"),
        ("on_conflict=Rebase", "invalid_parameter"),
        ("on_conflict=rebase&on_conflict=rebase", "repeated_parameter"),
        ("min_position=1", "unknown_parameter"),
    ],
)
async def test_an_invalid_mode_is_refused(shared_user: ApiUser, query: str, code: str) -> None:
    some: dict[str, Any] = {
        "/workspaces": {"name": "Garden"},
        "/commands": {"commands": [{"type": "CompleteTask", "id": "NO-1", "data": {}}]},
    }
    for path in (f"/tasks/{new_id()}/complete", *some):
        assert_problem(await shared_user.request("POST", f"{path}?{query}", json=some.get(path, {})), 400, code)


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/workspaces"), ("POST", "/auth/login"), ("POST", "/auth/register"), ("GET", "/auth/me")],
)
async def test_other_operations_refuse_both_parameters(shared_user: ApiUser, method: str, path: str) -> None:
    for params in (DRY, REBASE):
        assert_problem(await shared_user.request(method, path, params=params), 400, "unknown_parameter")


async def test_a_dry_run_ignores_idempotency_keys(ann: ApiUser) -> None:
    task, headers = await ann.create_task(), {"Idempotency-Key": str(new_id())}
    dry = await ann.request("POST", f"/tasks/{task}/complete", params=DRY, headers=headers)
    done = await ann.request("POST", f"/tasks/{task}/complete", headers=headers)
    assert (len(dry.json()["events"]), done.json()["version"], "idempotent-replayed" in done.headers) == (1, 2, False)
    assert (dry.json()["id"], dry.json()["version"]) == (task, 2)
    again = await ann.request("POST", f"/tasks/{task}/reopen", params=DRY, headers=headers)
    assert [event["type"] for event in again.json()["events"]] == ["TaskReopened"]


async def test_edits_of_different_fields_are_merged_and_of_the_same_field_are_not(ann: ApiUser) -> None:
    task = await ann.create_task()
    edits: list[dict[str, Any]] = [
        {"title": "Oat milk"},
        {"description": "Two"},
        {"priority": "high"},
        {"due": "2026-12-01"},
    ]
    answers = await asyncio.gather(
        *(
            ann.request("PATCH", f"/tasks/{task}", json=edit, headers={"If-Match": '"1"'}, params=REBASE)
            for edit in edits * 4
        )
    )
    assert sorted(answer.status_code for answer in answers) == [200] * 4 + [412] * 12
    assert sorted(answer.json()["version"] for answer in answers if answer.status_code == 200) == [2, 3, 4, 5]
    shown = await ann.get(f"/tasks/{task}")
    assert {**shown, **{name: value for edit in edits for name, value in edit.items()}} == shown
    for answer in answers:
        if answer.status_code == 412:
            problem = assert_problem(answer, 412, "version_conflict")
            assert (problem["expected_version"], len(problem["conflicting_fields"])) == (1, 1)


async def test_a_merged_edit_is_replayed_under_its_key(ann: ApiUser) -> None:
    task, headers = await ann.create_task(), {"Idempotency-Key": str(new_id())}
    await ann.post(f"/tasks/{task}/complete")
    edit: dict[str, Any] = {"json": {"title": "Bread", "expected_version": 1}, "headers": headers}
    assert_problem(await ann.request("PATCH", f"/tasks/{task}", **edit), 409, "version_conflict")
    first = await ann.request("PATCH", f"/tasks/{task}", params=REBASE, **edit)
    again = await ann.request("PATCH", f"/tasks/{task}", params=REBASE, **edit)
    without = await ann.request("PATCH", f"/tasks/{task}", **edit)
    assert (first.status_code, first.json()["version"]) == (200, 3)
    for answer in (again, without):
        assert (answer.content, answer.headers["idempotent-replayed"]) == (first.content, "true")


async def test_an_atomic_batch_is_merged_as_a_whole_or_refused_as_a_whole(ann: ApiUser) -> None:
    task = await ann.create_task()
    await ann.post(f"/tasks/{task}/complete")
    edit = {"type": "EditTask", "id": task, "data": {"due": "2026-12-01"}, "expected_version": 1}
    rename = {"type": "RenameTask", "id": task, "data": {"title": "Bread"}, "expected_version": 2}
    reopen = {"type": "ReopenTask", "id": task, "data": {}, "expected_version": 3}
    assert_problem(await ann.request("POST", "/commands", json={"commands": [edit, rename]}), 409, "version_conflict")
    complete = {**reopen, "type": "CompleteTask"}
    late = await ann.request("POST", "/commands", json={"commands": [edit, rename, complete]}, params=REBASE)
    assert_problem(late, 409, "version_conflict")
    assert (late.json()["errors"][0]["pointer"], late.json()["conflicting_fields"]) == ("#/commands/2", ["status"])
    dry = await ann.request("POST", "/commands", json={"commands": [edit, rename]}, params=REBASE | DRY)
    assert [(event["type"], event["version"]) for event in dry.json()["events"]] == [
        ("DueDateSet", 3),
        ("TaskRenamed", 4),
    ]
    assert [one["version"] for one in dry.json()["results"]] == [4, 4]
    done = await ann.request("POST", "/commands", json={"commands": [edit, rename]}, params=REBASE)
    assert [one["version"] for one in done.json()["results"]] == [4, 4]
    shown = await ann.get(f"/tasks/{task}")
    assert (shown["title"], shown["due"], shown["status"], shown["version"]) == ("Bread", "2026-12-01", "done", 4)


async def test_items_of_an_independent_batch_are_rebased_one_by_one(ann: ApiUser) -> None:
    task = await ann.create_task()
    await ann.post(f"/tasks/{task}/complete")
    edit = {"type": "EditTask", "id": task, "data": {"due": "2026-12-01"}, "expected_version": 1}
    late = {"type": "ReopenTask", "id": task, "data": {}, "expected_version": 1}
    rename = {"type": "RenameTask", "id": task, "data": {"title": "Bread"}, "expected_version": 1}
    commands = {"mode": "independent", "commands": [edit, {**late, "type": "CompleteTask"}, rename]}
    answer = await ann.request("POST", "/commands", json=commands, params=REBASE)
    assert [one["status"] for one in answer.json()["results"]] == [200, 409, 200]
    assert [one.get("version") for one in answer.json()["results"]] == [3, None, 4]


async def test_items_of_an_independent_dry_run_are_decided_on_the_current_state(ann: ApiUser) -> None:
    task, new = await ann.create_task(), str(new_id())
    create = {"type": "CreateTask", "data": {"id": new, "project_id": ann.project, "title": "Salt"}}
    complete = {"type": "CompleteTask", "id": task, "data": {}, "command_id": str(new_id())}
    commands = [
        create,
        complete,
        {**complete, "command_id": str(new_id())},
        {"type": "CompleteTask", "id": new, "data": {}},
    ]
    body = {"mode": "independent", "commands": commands}
    answer = await ann.request("POST", "/commands", json=body, params=DRY, headers={"Idempotency-Key": str(new_id())})
    assert answer.status_code == 207
    results = answer.json()["results"]
    assert [one["status"] for one in results] == [200, 200, 200, 404]
    assert [[event["version"] for event in one.get("events", [])] for one in results[1:]] == [[2], [2], []]
    assert [event["type"] for event in results[0]["events"]] == ["TaskNumbersTaken", "TaskCreated"]
    assert [(one["id"], one["version"]) for one in results[:3]] == [(new, 1), (task, 2), (task, 2)]
    assert (await ann.get(f"/tasks/{task}"))["version"] == 1
    done = await ann.request("POST", "/commands", json=body)
    assert [one["status"] for one in done.json()["results"]] == [201, 200, 200, 200]


async def test_an_item_that_changes_nothing_has_no_events(ann: ApiUser) -> None:
    task = await ann.create_task()
    await ann.post(f"/tasks/{task}/complete")
    body = {"mode": "independent", "commands": [{"type": "CompleteTask", "id": task, "data": {}}]}
    (only,) = (await ann.request("POST", "/commands", json=body, params=DRY)).json()["results"]
    assert (only["status"], only["events"]) == (200, [])
