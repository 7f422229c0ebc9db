"""A day with the client of openapi-python-client: run with the address of a server."""

import sys

import httpx
from taskledger_client import AuthenticatedClient, Client
from taskledger_client.api.commands import carry_out
from taskledger_client.api.history import show_history
from taskledger_client.api.projects import create_project
from taskledger_client.api.sessions import login
from taskledger_client.api.task_lists import list_tasks
from taskledger_client.api.tasks import create_task, edit_task, show_task
from taskledger_client.api.users import register
from taskledger_client.api.workspaces import create_workspace
from taskledger_client.models import (
    Batch,
    BatchItem,
    BatchItemType,
    BatchMode,
    BatchResult,
    CompleteTask,
    Conflict,
    CreateProject,
    CreateTask,
    CreateWorkspace,
    EditTask,
    EditTaskOnConflict,
    HistoryItemPage,
    IndependentBatchResult,
    Login,
    MoveTask,
    Priority,
    Registration,
    ReopenTask,
    SingleTask,
    TaskPage,
    TaskSort,
    TaskStatus,
    Tokens,
    WriteResult,
)

address = sys.argv[1]
email, password = "ann@example.com", "correct horse battery"

# Register and log in.
patience = httpx.Timeout(60)
visitor = Client(base_url=address, raise_on_unexpected_status=True, timeout=patience)
registered = register.sync(client=visitor, body=Registration(email=email, name="Ann", password=password))
assert isinstance(registered, WriteResult), registered
tokens = login.sync(client=visitor, body=Login(email=email, password=password))
assert isinstance(tokens, Tokens)
client = AuthenticatedClient(
    base_url=address, token=tokens.access_token, raise_on_unexpected_status=True, timeout=patience
)

# A workspace, a project and a task: optional members are left out.
workspace = create_workspace.sync(client=client, body=CreateWorkspace(name="Home"))
assert isinstance(workspace, WriteResult)
project = create_project.sync(workspace.id, client=client, body=CreateProject(name="Kitchen", key="KIT"))
assert isinstance(project, WriteResult)
planned = create_task.sync(project.id, client=client, body=CreateTask(title="Milk"), dry_run=True)
assert isinstance(planned, WriteResult)
assert planned.events
assert planned.events[-1].type_ == "TaskCreated"
created = create_task.sync(project.id, client=client, body=CreateTask(title="Milk"), idempotency_key="milk")
assert isinstance(created, WriteResult)
assert (created.version, created.key, bool(created.events)) == (planned.version, planned.key, False)
task = created.id

# A conflict: the loser learns what happened; a change of another field is merged.
edited = edit_task.sync(task, client=client, body=EditTask(title="Oat milk", expected_version=created.version))
assert isinstance(edited, WriteResult)
refused = edit_task.sync_detailed(task, client=client, body=EditTask(title="Goat milk", expected_version=1))
assert refused.status_code == 409
conflict = refused.parsed
assert isinstance(conflict, Conflict)
assert conflict.intervening_events
intervening = conflict.intervening_events[0]
assert (intervening.type_, intervening.actor.name) == ("TaskRenamed", "Ann")
assert conflict.conflicting_fields == ["title"]
merged = edit_task.sync(
    task,
    client=client,
    body=EditTask(priority=Priority.HIGH),
    if_match='"1"',
    on_conflict=EditTaskOnConflict.REBASE,
)
assert isinstance(merged, WriteResult)
assert merged.version == 3

# Batches: all or none, and each on its own.
batch = carry_out.sync(
    client=client,
    body=Batch(
        commands=[
            BatchItem(type_=BatchItemType.COMPLETETASK, id=task, data=CompleteTask()),
            BatchItem(type_=BatchItemType.CREATETASK, data=CreateTask(project_id=project.id, title="Bread")),
        ]
    ),
)
assert isinstance(batch, BatchResult), batch
assert [result.id == task for result in batch.results] == [True, False]
each = carry_out.sync(
    client=client,
    body=Batch(
        mode=BatchMode.INDEPENDENT,
        commands=[
            BatchItem(type_=BatchItemType.REOPENTASK, id="KIT-1", data=ReopenTask()),
            BatchItem(type_=BatchItemType.MOVETASK, id=task, data=MoveTask(column="nowhere", expected_version=3)),
        ],
    ),
)
assert isinstance(each, IndependentBatchResult), each
problems = [result.problem.code if result.problem else None for result in each.results]
assert problems == [None, "version_conflict"]

# Lists and history.
tasks = list_tasks.sync(
    project.id, client=client, min_position=each.position, limit=1, sort=TaskSort.KEY, prefer="wait=10"
)
assert isinstance(tasks, TaskPage), tasks
assert [item.title for item in tasks.items] == ["Oat milk"]
assert tasks.next_cursor
rest = list_tasks.sync(project.id, client=client, cursor=tasks.next_cursor, sort=TaskSort.KEY)
assert isinstance(rest, TaskPage)
assert ([item.title for item in rest.items], rest.next_cursor) == (["Bread"], None)
shown = show_task.sync(task, client=client)
assert isinstance(shown, SingleTask)
assert (shown.id, shown.title, shown.status) == (task, "Oat milk", TaskStatus.OPEN)
again = edit_task.sync(task, client=client, body=EditTask(priority=shown.priority, expected_version=shown.version))
assert isinstance(again, WriteResult)
assert (shown.priority, again.version) == (Priority.HIGH, shown.version)
history = show_history.sync(task, client=client)
assert isinstance(history, HistoryItemPage)
first = history.items[-1]
assert (first.type_, first.changes["title"]) == ("TaskCreated", [None, "Milk"])
sys.stdout.write(f"{len(history.items)} events\n")
