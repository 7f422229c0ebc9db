"""The permission matrix over HTTP: every operation, by every kind of caller."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import httpx
import pytest
import pytest_asyncio

from infra.ids import new_id
from infra.settings import Settings
from tests.api.guarantees import UPLOAD, UPLOAD_OPERATIONS, VALID_BODIES, operations
from tests.api.in_process_app import app_client, manual_projector
from tests.api.problems import assert_problem
from tests.api_user import PASSWORD, ApiUser

pytestmark = pytest.mark.asyncio(loop_scope="package")

MATRIX = """
                    owner  admin  member viewer agent  stranger removed anonymous

show_workspace      yes    yes    yes    yes    yes    404      404     401
show_activity       yes    yes    yes    yes    yes    404      404     401
export_history      yes    yes    yes    yes    yes    404      404     401
show_workspace_audit yes   403    403    403    yes    404      404     401
show_project_history yes   yes    yes    yes    yes    404      404     401
show_activity_density yes  yes    yes    yes    yes    404      404     401
show_cumulative_flow yes   yes    yes    yes    yes    404      404     401
show_burndown      yes     yes    yes    yes    yes    404      404     401
show_throughput    yes     yes    yes    yes    yes    404      404     401
show_cycle_time    yes     yes    yes    yes    yes    404      404     401
show_ageing        yes     yes    yes    yes    yes    404      404     401
show_diff           yes    yes    yes    yes    yes    404      404     401
show_task_version   yes    yes    yes    yes    yes    404      404     401
show_task_blame     yes    yes    yes    yes    yes    404      404     401
show_trash          yes    yes    yes    yes    yes    404      404     401
list_members        yes    yes    yes    yes    yes    404      404     401
list_projects       yes    yes    yes    yes    yes    404      404     401
list_labels         yes    yes    yes    yes    yes    404      404     401
show_board          yes    yes    yes    yes    yes    404      404     401
list_tasks          yes    yes    yes    yes    yes    404      404     401
list_children       yes    yes    yes    yes    yes    404      404     401
show_project_of_workspace yes yes yes  yes    yes    404      404     401
show_project        yes    yes    yes    yes    yes    404      404     401
show_task           yes    yes    yes    yes    yes    404      404     401
show_history        yes    yes    yes    yes    yes    404      404     401
list_comments       yes    yes    yes    yes    yes    404      404     401
show_comment        yes    yes    yes    yes    yes    404      404     401
show_comment_history yes   yes    yes    yes    yes    404      404     401
list_time           yes    yes    yes    yes    yes    404      404     401
show_time_entry     yes    yes    yes    yes    yes    404      404     401
show_time_entry_history yes yes   yes    yes    yes    404      404     401
list_watchers       yes    yes    yes    yes    yes    404      404     401
show_project_watch  yes    yes    yes    yes    yes    404      404     401
watch_task          yes    yes    yes    yes    403    404      404     401
unwatch_task        yes    yes    yes    yes    403    404      404     401
watch_project       yes    yes    yes    yes    403    404      404     401
unwatch_project     yes    yes    yes    yes    403    404      404     401

create_task         yes    yes    yes    403    403    404      404     401
edit_task           yes    yes    yes    403    403    404      404     401
complete_task       yes    yes    yes    403    403    404      404     401
reopen_task         yes    yes    yes    403    403    404      404     401
move_task           yes    yes    yes    403    403    404      404     401
assign_task         yes    yes    yes    403    403    404      404     401
unassign_task       yes    yes    yes    403    403    404      404     401
label_task          yes    yes    yes    403    403    404      404     401
unlabel_task        yes    yes    yes    403    403    404      404     401
trash_task          yes    yes    yes    403    403    404      404     401
set_checklist       yes    yes    yes    403    403    404      404     401
duplicate_task      yes    yes    yes    403    403    404      404     401
copy_project        yes    yes    yes    403    403    404      404     401
archive_task        yes    yes    yes    403    403    404      404     401
unarchive_task      yes    yes    yes    403    403    404      404     401
archive_done_tasks  yes    yes    yes    403    403    404      404     401
set_parent          yes    yes    yes    403    403    404      404     401
relate_task         yes    yes    yes    403    403    404      404     401
unrelate_task       yes    yes    yes    403    403    404      404     401
check_item          yes    yes    yes    403    403    404      404     401
uncheck_item        yes    yes    yes    403    403    404      404     401
skip_occurrence     yes    yes    yes    403    403    404      404     401
restore_task        yes    yes    yes    403    403    404      404     401
add_comment         yes    yes    yes    403    403    404      404     401
edit_comment        yes    403    403    403    403    404      404     401
delete_comment      yes    yes    403    403    403    404      404     401
add_reaction        yes    yes    yes    403    403    404      404     401
remove_reaction     yes    yes    yes    403    403    404      404     401
add_time            yes    yes    yes    403    403    404      404     401
edit_time_entry     yes    403    403    403    403    404      404     401
delete_time_entry   yes    yes    403    403    403    404      404     401
list_attachments    yes    yes    yes    yes    yes    404      404     401
download_attachment yes    yes    yes    yes    yes    404      404     401
add_attachment      yes    yes    yes    403    403    404      404     401
remove_attachment   yes    yes    yes    403    403    404      404     401
carry_out           yes    yes    yes    403    403    404      404     401
revert_change       yes    yes    yes    403    403    404      404     401
revert_session      404    404    404    404    403    404      404     401
list_session_changes yes   yes    yes    yes    yes    yes      yes     401
undo                yes    yes    yes    yes    403    yes      yes     401
redo                yes    yes    yes    yes    403    yes      yes     401
list_proposals      yes    yes    yes    yes    yes    404      404     401
show_proposal       yes    yes    yes    yes    yes    404      404     401
accept_proposal     yes    yes    yes    403    403    404      404     401
decline_proposal    yes    yes    yes    403    403    404      404     401
colour_label        yes    yes    yes    403    403    404      404     401
create_project      yes    yes    yes    403    403    404      404     401
edit_project        yes    yes    yes    403    403    404      404     401

set_columns         yes    yes    403    403    403    404      404     401
set_fields          yes    yes    403    403    403    404      404     401
archive_project     yes    yes    403    403    403    404      404     401
restore_project     yes    yes    403    403    403    404      404     401
trash_project       yes    yes    403    403    403    404      404     401
edit_workspace      yes    yes    403    403    403    404      404     401
trash_workspace     yes    403    403    403    403    404      404     401
restore_workspace   yes    403    403    403    403    404      404     401
set_role            yes    yes    403    403    403    404      404     401
remove_member       yes    yes    403    403    403    404      404     401
invite              yes    yes    403    403    403    404      404     401
revoke_invitation   yes    yes    403    403    403    404      404     401
list_invitations    yes    yes    403    403    yes    404      404     401
show_invitation     yes    yes    403    403    yes    404      404     401

find_tasks          yes    yes    yes    yes    yes    yes      yes     401
change_tasks        yes    yes    yes    yes    403    yes      yes     401
search_tasks        yes    yes    yes    yes    yes    yes      yes     401
list_workspaces     yes    yes    yes    yes    yes    yes      yes     401
create_workspace    yes    yes    yes    yes    403    yes      yes     401
accept_invitation   404    404    404    404    404    404      404     401
list_filters        yes    yes    yes    yes    yes    yes      yes     401
show_filter         yes    404    404    404    yes    404      404     401
list_filtered_tasks yes    404    404    404    yes    404      404     401
save_filter         yes    yes    yes    yes    403    yes      yes     401
edit_filter         yes    404    404    404    403    404      404     401
delete_filter       yes    404    404    404    403    404      404     401
show_me             yes    yes    yes    yes    yes    yes      yes     401
edit_account        yes    yes    yes    yes    403    yes      yes     401
list_tokens         yes    yes    yes    yes    403    yes      yes     401
issue_token         yes    yes    yes    yes    403    yes      yes     401
show_token          404    404    404    404    403    404      404     401
revoke_token        404    404    404    404    403    404      404     401
list_sessions       yes    yes    yes    yes    403    yes      yes     401
end_session         404    404    404    404    403    404      404     401
mail_verification   422    422    422    422    403    422      422     401
change_password     yes    yes    yes    yes    403    yes      yes     401

appoint_administrator yes  403    403    403    403    403      403     401
delete_account      422    yes    yes    yes    403    yes      yes     401
show_audit          yes    403    403    403    403    403      403     401
list_projections    yes    403    403    403    403    403      403     401
rebuild_projection  yes    403    403    403    403    403      403     401
show_operation      404    403    403    403    403    403      403     401
detailed            yes    403    403    403    403    403      403     401
metrics             yes    403    403    403    403    403      403     401

register            yes    yes    yes    yes    yes    yes      yes     yes
login               yes    yes    yes    yes    yes    yes      yes     yes
forgot_password     yes    yes    yes    yes    yes    yes      yes     yes
reset_password      422    422    422    422    422    422      422     422
verify_email        422    422    422    422    422    422      422     422
refresh             401    401    401    401    401    401      401     401
health              yes    yes    yes    yes    yes    yes      yes     yes
live                yes    yes    yes    yes    yes    yes      yes     yes
ready               yes    yes    yes    yes    yes    yes      yes     yes
list_problems       yes    yes    yes    yes    yes    yes      yes     yes
show_problem        yes    yes    yes    yes    yes    yes      yes     yes
list_event_types    yes    yes    yes    yes    yes    yes      yes     yes
show_event_schema   yes    yes    yes    yes    yes    yes      yes     yes
list_event_types    yes    yes    yes    yes    yes    yes      yes     yes
show_event_schema   yes    yes    yes    yes    yes    yes      yes     yes
list_problems       yes    yes    yes    yes    yes    yes      yes     yes
show_problem        yes    yes    yes    yes    yes    yes      yes     yes
logout              yes    yes    yes    yes    422    yes      yes     401
"""
"""The owner is the administrator; the agent acts for the owner, with a read-only token."""

CALLERS, *_LINES = (line.split() for line in MATRIX.splitlines() if line)
ROWS = {name: dict(zip(CALLERS, outcomes, strict=True)) for name, *outcomes in _LINES}
PROTECTED_FIELDS = ("owner_id", "version", "is_administrator", "workspace", "created_at", "actor")
"""Fields that a body must not be able to set."""


Operations = dict[str, tuple[str, str, dict[str, Any]]]


class PermissionScene:
    """A workspace with every kind of caller, and one object of each kind."""

    def __init__(self, every: Operations, people: dict[str, ApiUser], ids: dict[str, str]) -> None:
        self.operations = every
        self.callers = people
        self.ids = ids

    async def send(self, who: str, operation: str, **more: Any) -> httpx.Response:
        """Call an operation as this caller, as a dry run where possible; extra fields can be added to the body."""
        method, path, described = self.operations[operation]
        has_dry_run = any(parameter.get("name") == "dry_run" for parameter in described["parameters"])
        takes = {"params": {"dry_run": "true"}} if has_dry_run else {}
        if operation == "show_diff":
            takes = {"params": {"scope": "project", "id": self.ids["project"], "from_position": "0"}}
        body = self.valid_body(operation)
        if operation in {"delete_account", "show_diff", "archive_done_tasks"}:
            self.callers["owner"].fold()  # memberships, moments and columns are looked up as they are now
        options = UPLOAD if operation in UPLOAD_OPERATIONS else {} if body is None else {"json": {**body, **more}}
        return await self.callers[who].request(method, f"http://test{path.format(**self.ids)}", **takes, **options)

    def valid_body(self, operation: str) -> dict[str, Any] | None:
        """A valid body for the operation, or None."""
        bodies = {
            **VALID_BODIES,
            "edit_workspace": {"name": "House", "expected_version": 3},  # after an owner was added and removed
            "trash_workspace": {"expected_version": 3},
            "set_columns": {"columns": [{"name": "Bed"}], "keep": True, "expected_version": 1},
            "assign_task": {"user_id": self.ids["user"]},
            "relate_task": {"kind": "blocks", "task_id": self.ids["other_task"]},
            "carry_out": {"commands": [{"type": "CompleteTask", "id": self.ids["task"], "data": {}}]},
            "create_workspace": {"name": "Work"},
            "appoint_administrator": {"user_id": self.ids["user"]},
            "edit_account": {"name": "New"},
            "search_tasks": {"filter": "status:open"},
            "accept_invitation": {"token": "tli_nobody"},
            "issue_token": {"name": "Script", "scopes": ["read"]},
            "change_password": {"current_password": PASSWORD, "new_password": PASSWORD},
            "register": {"email": f"{uuid4().hex}@example.com", "name": "New", "password": PASSWORD},
            "login": {"email": self.callers["owner"].email, "password": PASSWORD},
            "forgot_password": {"email": f"{uuid4().hex}@example.com"},
            "reset_password": {"token": "tlf_nobody", "password": PASSWORD},
            "verify_email": {"token": "tlv_nobody"},
            "refresh": {"refresh_token": "tlr_nobody"},
        }
        return bodies.get(operation)


@pytest_asyncio.fixture(loop_scope="package")
async def scene(isolated_settings: Settings) -> AsyncIterator[PermissionScene]:
    with manual_projector(isolated_settings) as fold:
        async with app_client(isolated_settings) as client:
            owner = await ApiUser.register_with_project(client, fold, "Owner")
            others = {name: await ApiUser.register_with_project(client, fold, name.title()) for name in CALLERS[1:4]}
            others |= {
                name: await ApiUser.register_with_project(client, fold, name.title())
                for name in ("stranger", "removed")
            }
            guest = await ApiUser.register_with_project(client, fold, "Guest")
            roles = {name: name for name in ("admin", "member", "viewer")}
            for name, role in {**roles, "removed": "owner"}.items():
                await set_role(owner, others[name], role)
            await set_role(owner, guest, "member")
            removal = f"/workspaces/{owner.workspace}/members/{others['removed'].id}"
            assert (await owner.request("DELETE", removal)).status_code == 200
            token = await owner.post("/auth/tokens", name="Eyes", scopes=["read"], kind="agent")
            agent, anonymous = ApiUser(client, fold, token["token"]), ApiUser(client, fold, "")
            anonymous.headers = {}
            invited = await owner.post(f"/workspaces/{owner.workspace}/invitations", email="eve@example.com")
            ids = {
                "workspace": owner.workspace,
                "project": owner.project,
                "task": await owner.create_task(
                    checklist=[{"text": "Milk"}], due="2030-12-02", recurrence={"rule": "FREQ=DAILY"}
                ),
                "other_task": await owner.create_task(),
            }
            saved = await owner.post("/filters", name="Soon", filter="due<now")
            named = {"user": guest.id, "invitation": invited["id"], "label": "shop", "name": "label_list"}
            named |= {"saved_filter": saved["id"], "code": "not_found", "type": "TaskCreated"}
            named |= {"type": "TaskMoved", "code": "not_found"}
            fold()
            attached = await owner.request("POST", f"/tasks/{ids['task']}/attachments", **UPLOAD)
            ids["attachment"] = attached.json()["id"]
            named |= {"item": (await owner.get(f"/tasks/{ids['task']}"))["checklist"][0]["id"]}
            commented = await owner.post(f"/tasks/{ids['task']}/comments", text="Which one?")
            named |= {"comment": commented["id"], "emoji": "%F0%9F%91%8D", "column": "done", "version": "1"}
            named |= {"comment": commented["id"], "emoji": "%F0%9F%91%8D"}
            named |= {"entry": (await owner.post(f"/tasks/{ids['task']}/time", minutes=90))["id"]}
            history = await owner.get(f"/tasks/{ids['task']}/history")
            named |= {"change": history["items"][-1]["command_id"]}
            fold()
            proposer = await owner.with_personal_token("propose")
            wanted = {"commands": [{"type": "CompleteTask", "id": ids["other_task"], "data": {}}]}
            named |= {"proposal": (await proposer.request("POST", "/commands", json=wanted)).json()["id"]}
            fold()
            absent = {name: str(new_id()) for name in ("operation", "session", "token")}
            people = {"owner": owner, **others, "agent": agent, "anonymous": anonymous}
            yield PermissionScene(await operations(client), people, {**ids, **named, **absent})


async def set_role(owner: ApiUser, other: ApiUser, role: str) -> None:
    path = f"/workspaces/{owner.workspace}/members/{other.id}"
    assert (await owner.request("PUT", path, json={"role": role})).status_code == 200


async def test_every_operation_allows_exactly_what_the_matrix_says(scene: PermissionScene) -> None:
    assert ROWS.keys() == scene.operations.keys(), "the matrix has a row for each operation"
    wrong = []
    for operation, row in ROWS.items():
        for who, expected in row.items():
            answer = await scene.send(who, operation)
            is_right = answer.is_success if expected == "yes" else answer.status_code == int(expected)
            if not is_right:
                wrong.append(f"{operation} by {who}: {answer.status_code}, not {expected}: {answer.text[:200]}")
            if not answer.is_success:
                assert_problem(answer, answer.status_code)
    assert not wrong, "\n".join(wrong)


async def test_bodies_cannot_set_protected_fields(scene: PermissionScene) -> None:
    attempts = 0
    for operation in scene.operations:
        for field in PROTECTED_FIELDS if scene.valid_body(operation) is not None else ():
            problem = assert_problem(
                await scene.send("owner", operation, **{field: str(new_id())}), 400, "invalid_body"
            )
            assert field in problem["detail"], (operation, problem)
            attempts += 1
    assert attempts >= 25 * len(PROTECTED_FIELDS)


async def test_a_role_in_a_body_is_only_where_roles_are_given(scene: PermissionScene) -> None:
    given = {"set_role", "invite"}
    for operation in scene.operations:
        if scene.valid_body(operation) is not None and operation not in given:
            assert_problem(await scene.send("owner", operation, role="owner"), 400, "invalid_body")
