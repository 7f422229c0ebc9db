"""A user's own account over HTTP: changed, deleted, and the installation handed over."""

from uuid import uuid4

import httpx
import psycopg
import pytest

from infra.identity.mail_tokens import PREFIXES
from infra.settings import Settings
from tests.api.problems import assert_problem
from tests.api_user import PASSWORD, ApiUser
from tests.fake_smtp_server import FakeSmtpServer

pytestmark = pytest.mark.asyncio(loop_scope="package")


def unused_email() -> str:
    return f"new-{uuid4().hex}@example.com"


async def log_in(client: httpx.AsyncClient, email: str) -> int:
    return (await client.post("/auth/login", json={"email": email, "password": PASSWORD})).status_code


async def edit(user: ApiUser, **members: object) -> dict[str, object]:
    answer = await user.request("PATCH", "/auth/me", json=members)
    assert answer.status_code == 200, answer.text
    shown: dict[str, object] = answer.json()
    return shown


async def share_workspace(host: ApiUser, guest: ApiUser, role: str = "member") -> None:
    path = f"/workspaces/{host.workspace}/members/{guest.id}"
    assert (await host.request("PUT", path, json={"role": role})).status_code == 200
    host.fold()


async def test_an_account_is_changed_field_by_field(ann: ApiUser) -> None:
    shown = await edit(ann, name="Ann L.", language="de-AT", zone="Europe/Vienna")
    assert (shown["name"], shown["language"], shown["zone"]) == ("Ann L.", "de-AT", "Europe/Vienna")
    assert (shown["id"], shown["email"]) == (ann.id, ann.email)
    shown = await edit(ann, language=None)
    assert (shown["name"], shown["language"], shown["zone"]) == ("Ann L.", None, "Europe/Vienna")
    assert await ann.get("/auth/me") == shown
    assert [row["name"] for row in (await ann.get(f"/workspaces/{ann.workspace}/members"))["items"]] == ["Ann L."]


@pytest.mark.parametrize(
    "change",
    [
        {"name": "\u200b"},
        {"name": None},
        {"email": None},
        {"email": "no address"},
        {"email": "ann@a_b.example"},
        {"language": "\u00e4"},
        {"language": ""},
        {"zone": "Mars/Olympus"},
        {"zone": "localtime"},
        {"zone": "../etc/passwd"},
        {"password": PASSWORD},
    ],
    ids=str,
)
async def test_an_invalid_change_of_an_account_is_refused_and_changes_nothing(
    ann: ApiUser, change: dict[str, object]
) -> None:
    before = await ann.get("/auth/me")
    assert_problem(await ann.request("PATCH", "/auth/me", json={"name": "Eve", **change}), 400, "invalid_body")
    assert await ann.get("/auth/me") == before


async def test_without_a_mail_server_a_new_address_counts_at_once(ann: ApiUser) -> None:
    old, new = ann.email, unused_email()
    shown = await edit(ann, email=new)
    assert (shown["email"], shown["new_email"]) == (new, None)
    assert [await log_in(ann.client, email) for email in (old, new.upper())] == [401, 200]
    body = {"email": old, "name": "Eve", "password": PASSWORD}
    assert (await ann.client.post("/auth/register", json=body)).status_code == 201


async def test_a_taken_address_is_not_given_to_another(ann: ApiUser, bob: ApiUser) -> None:
    answer = await ann.request("PATCH", "/auth/me", json={"email": bob.email.upper(), "name": "Eve"})
    assert_problem(answer, 409, "email_taken")
    shown = await ann.get("/auth/me")
    assert (shown["email"], shown["name"]) == (ann.email, "Ann")


async def test_a_new_address_is_confirmed_by_a_token_mailed_to_it(
    inviter: ApiUser, smtp_server: FakeSmtpServer
) -> None:
    old, new = inviter.email, unused_email()
    shown = await edit(inviter, email=new)
    assert (shown["email"], shown["new_email"]) == (old, new)
    token = await smtp_server.wait_for_token(PREFIXES["email_change"], new)
    assert [await log_in(inviter.client, email) for email in (old, new)] == [200, 401]
    for expected in (204, 422):
        assert (await inviter.client.post("/auth/verify", json={"token": token})).status_code == expected
    shown = await inviter.get("/auth/me")
    assert (shown["email"], shown["new_email"], shown["email_verified"]) == (new, None, True)
    assert [await log_in(inviter.client, email) for email in (old, new)] == [401, 200]


async def test_to_send_the_present_address_voids_a_pending_change(
    inviter: ApiUser, smtp_server: FakeSmtpServer
) -> None:
    new = unused_email()
    await edit(inviter, email=new)
    token = await smtp_server.wait_for_token(PREFIXES["email_change"], new)
    shown = await edit(inviter, email=inviter.email)
    assert (shown["email"], shown["new_email"]) == (inviter.email, None)
    assert_problem(await inviter.client.post("/auth/verify", json={"token": token}), 422, "invalid_mail_token")
    assert (await inviter.get("/auth/me"))["email"] == inviter.email


async def test_an_address_that_was_taken_before_it_was_confirmed_is_refused(
    inviter: ApiUser, smtp_server: FakeSmtpServer
) -> None:
    new = unused_email()
    await edit(inviter, email=new)
    token = await smtp_server.wait_for_token(PREFIXES["email_change"], new)
    await inviter.client.post("/auth/register", json={"email": new, "name": "Eve", "password": PASSWORD})
    assert_problem(await inviter.client.post("/auth/verify", json={"token": token}), 409, "email_taken")
    assert (await inviter.get("/auth/me"))["email"] == inviter.email


async def test_a_reset_token_mailed_to_the_old_address_ends_with_it(
    inviter: ApiUser, smtp_server: FakeSmtpServer
) -> None:
    await inviter.client.post("/auth/password/forgot", json={"email": inviter.email})
    reset = await smtp_server.wait_for_token(PREFIXES["password_reset"], inviter.email)
    new = unused_email()
    await edit(inviter, email=new)
    token = await smtp_server.wait_for_token(PREFIXES["email_change"], new)
    assert (await inviter.client.post("/auth/verify", json={"token": token})).status_code == 204
    body = {"token": reset, "password": "another horse"}
    assert_problem(await inviter.client.post("/auth/password/reset", json=body), 422, "invalid_mail_token")


async def test_a_deleted_account_ends_sessions_tokens_and_memberships(ann: ApiUser, bob: ApiUser) -> None:
    await share_workspace(ann, bob)
    personal, other = await bob.with_personal_token("write"), await bob.log_in_again()
    task = await ann.create_task(assignees=[bob.id])
    ann.fold()
    assert (await bob.request("DELETE", "/auth/me")).status_code == 200
    for caller in (bob, other, personal):
        assert_problem(await caller.request("GET", "/tasks"), 401)
    refreshed = await bob.client.post("/auth/refresh", json={"refresh_token": bob.refresh_token})
    assert_problem(refreshed, 401)
    assert await log_in(bob.client, bob.email) == 401
    assert [row["id"] for row in (await ann.get(f"/workspaces/{ann.workspace}/members"))["items"]] == [ann.id]
    assert (await ann.get(f"/tasks/{task}?expand=assignees"))["assignees"] == [{"id": bob.id, "name": "Bob"}]
    path = f"/workspaces/{ann.workspace}/members/{bob.id}"
    assert_problem(await ann.request("PUT", path, json={"role": "member"}), 404, "not_found")
    body = {"email": bob.email, "name": "Bob again", "password": PASSWORD}
    assert (await bob.client.post("/auth/register", json=body)).status_code == 201


async def test_a_workspace_of_a_deleted_account_alone_goes_to_the_trash(ann: ApiUser, settings: Settings) -> None:
    ann.fold()
    assert (await ann.request("DELETE", "/auth/me")).status_code == 200
    with psycopg.connect(settings.database_url) as connection:
        sql = "select type from log.event_log where stream = %s order by version desc limit 1"
        assert connection.execute(sql, (ann.workspace,)).fetchone() == ("WorkspaceTrashed",)


async def test_a_dry_run_deletes_no_account(ann: ApiUser) -> None:
    ann.fold()
    answer = await ann.request("DELETE", "/auth/me?dry_run=true")
    assert [event["type"] for event in answer.json()["events"]] == ["EmailReleased", "AccountDeleted"]
    assert (await ann.request("GET", "/auth/me")).status_code == 200


async def test_the_only_owner_of_a_shared_workspace_hands_it_over_first(ann: ApiUser, bob: ApiUser) -> None:
    await share_workspace(ann, bob)
    office = (await ann.post("/workspaces", name="Office"))["id"]
    await ann.request("PUT", f"/workspaces/{office}/members/{bob.id}", json={"role": "member"})
    ann.fold()
    problem = assert_problem(await ann.request("DELETE", "/auth/me"), 422, "hand_over_first")
    owned = [{"id": ann.workspace, "name": "Home"}, {"id": office, "name": "Office"}]
    assert problem["params"]["workspaces"] == owned
    assert problem["detail"] == 'You are the last owner of "Home", "Office". Appoint another one first.'
    await ann.request("PUT", f"/workspaces/{office}/members/{bob.id}", json={"role": "owner"})
    assert (await ann.request("GET", "/auth/me")).status_code == 200
    await share_workspace(ann, bob, "owner")
    assert (await ann.request("DELETE", "/auth/me")).status_code == 200
    assert [row["id"] for row in (await bob.get(f"/workspaces/{ann.workspace}/members"))["items"]] == [bob.id]


async def test_a_refused_deletion_of_an_account_changes_nothing(ann: ApiUser, bob: ApiUser) -> None:
    shared = (await ann.post("/workspaces", name="Office"))["id"]
    path = f"/workspaces/{shared}/members/{bob.id}"
    assert (await ann.request("PUT", path, json={"role": "member"})).status_code == 200
    ann.fold()
    assert_problem(await ann.request("DELETE", "/auth/me"), 422, "hand_over_first")
    listed = {one["id"] for one in (await ann.get("/workspaces"))["items"]}
    assert listed == {ann.workspace, shared}
    assert (await ann.get("/workspaces?state=trashed"))["items"] == []


async def test_the_administration_is_handed_over(administrator: ApiUser) -> None:
    email = unused_email()
    body = {"email": email, "name": "Next", "password": PASSWORD}
    other = (await administrator.client.post("/auth/register", json=body)).json()["id"]
    login = await administrator.client.post("/auth/login", json={"email": email, "password": PASSWORD})
    heir = administrator.with_token(login.json()["access_token"])
    administrator.fold()
    assert_problem(await administrator.request("DELETE", "/auth/me"), 422, "hand_over_first")
    appointment = {"json": {"user_id": other}}
    assert_problem(await heir.request("PUT", "/instance/administrator", **appointment), 403, "forbidden")
    assert (await administrator.request("PUT", "/instance/administrator", **appointment)).status_code == 200
    assert_problem(await administrator.request("PUT", "/instance/administrator", **appointment), 403, "forbidden")
    for caller, is_administrator in ((administrator, False), (heir, True)):
        assert (await caller.get("/auth/me"))["is_administrator"] is is_administrator
        assert (await caller.request("GET", "/projections")).status_code == (200 if is_administrator else 403)
    administrator.fold()
    assert (await administrator.request("DELETE", "/auth/me")).status_code == 200
