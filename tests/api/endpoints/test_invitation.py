"""Invitations over HTTP: mailed, and accepted once, only by their recipient."""

import asyncio
import time
from collections.abc import Callable
from itertools import islice
from uuid import UUID, uuid4

import msgspec
import psycopg
import pytest

from infra import time_budget
from infra.delivery import mailer
from infra.identity.invitations import Invitations
from infra.identity.mail_tokens import PREFIXES
from infra.rate_limits.limit import INVITATION_LIMIT
from infra.settings import Settings
from tests.api import identity_guarantees
from tests.api.identity_guarantees import registration_body
from tests.api.in_process_app import app_client, manual_projector
from tests.api.problems import assert_problem
from tests.api.verified_users import register_verified
from tests.api_user import PASSWORD, ApiUser
from tests.fake_smtp_server import FakeSmtpServer

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def register_guest(host: ApiUser, box: FakeSmtpServer) -> ApiUser:
    return await register_verified(host.client, host.fold, "Guest", box)


async def invite(host: ApiUser, email: str, role: str = "member") -> str:
    answer = await host.post(f"/workspaces/{host.workspace}/invitations", email=email, role=role)
    return str(answer["id"])


async def test_a_mailed_invitation_makes_a_member(inviter: ApiUser, smtp_server: FakeSmtpServer) -> None:
    guest = await register_guest(inviter, smtp_server)
    invitation = await invite(inviter, guest.email.upper(), "admin")
    (message,) = smtp_server.messages
    assert (message["To"], message["Subject"]) == (guest.email.upper(), "Host invites you to Home")
    answer = await guest.request("POST", "/invitations/accept", json={"token": smtp_server.invitation_token()})
    assert (answer.status_code, answer.json()["id"]) == (200, invitation)
    assert answer.headers["location"] == f"/api/v1/workspaces/{inviter.workspace}"
    assert (await guest.get(f"/workspaces/{inviter.workspace}"))["members"][guest.id] == "admin"
    assert_problem(
        await guest.request("POST", "/invitations/accept", json={"token": smtp_server.invitation_token()}), 404
    )
    assert (await inviter.get(f"/workspaces/{inviter.workspace}/invitations"))["items"] == []


async def test_open_invitations_are_listed_for_admins_without_their_tokens(
    inviter: ApiUser, smtp_server: FakeSmtpServer
) -> None:
    invitation = await invite(inviter, "eve@example.com")
    path = f"/workspaces/{inviter.workspace}/invitations"
    (item,) = (await inviter.get(path))["items"]
    assert item["id"] == invitation
    assert (item["email"], item["role"], item["invited_by"]) == ("eve@example.com", "member", inviter.id)
    assert item["sent_at"]
    assert await inviter.get(f"/invitations/{invitation}") == item
    assert smtp_server.invitation_token() not in str(item)
    guest = await register_guest(inviter, smtp_server)
    assert_problem(await guest.request("GET", path), 404)
    assert_problem(await guest.request("GET", f"/invitations/{invitation}"), 404)
    await inviter.request("PUT", f"/workspaces/{inviter.workspace}/members/{guest.id}", json={"role": "member"})
    assert_problem(await guest.request("GET", path), 403, "forbidden")
    assert_problem(await guest.request("POST", path, json={"email": "x@example.com"}), 403, "forbidden")


async def test_a_revoked_invitation_cannot_be_accepted(inviter: ApiUser, smtp_server: FakeSmtpServer) -> None:
    guest = await register_guest(inviter, smtp_server)
    invitation = await invite(inviter, guest.email)
    for _ in range(2):
        assert (await inviter.request("DELETE", f"/invitations/{invitation}")).status_code == 200
    assert_problem(
        await guest.request("POST", "/invitations/accept", json={"token": smtp_server.invitation_token()}), 404
    )
    assert_problem(await inviter.request("GET", f"/invitations/{invitation}"), 404)


async def test_an_invitation_is_for_the_address_it_was_sent_to(inviter: ApiUser, smtp_server: FakeSmtpServer) -> None:
    guest = await register_guest(inviter, smtp_server)
    await invite(inviter, "somebody-else@example.com")
    answer = await guest.request("POST", "/invitations/accept", json={"token": smtp_server.invitation_token()})
    assert_problem(answer, 403, "invited_elsewhere")
    assert "somebody-else" not in answer.text
    assert_problem(
        await guest.request("POST", "/invitations/accept", json={"token": "tli_" + "x" * 43}), 404, "not_found"
    )


async def test_an_invitation_is_for_the_address_that_its_guest_has_now(
    inviter: ApiUser, smtp_server: FakeSmtpServer
) -> None:
    guest = await register_verified(inviter.client, inviter.fold, "Guest", smtp_server)
    old, new = guest.email, f"new-{uuid4().hex}@example.com"
    tokens = []
    for address in (old, new):
        await inviter.post(f"/workspaces/{inviter.workspace}/invitations", email=address)
        tokens.append(await smtp_server.wait_for_token("tli_", address))
    assert (await guest.request("PATCH", "/auth/me", json={"email": new})).status_code == 200
    confirmation = await smtp_server.wait_for_token(PREFIXES["email_change"], new)
    assert (await inviter.client.post("/auth/verify", json={"token": confirmation})).status_code == 204
    refused = await guest.request("POST", "/invitations/accept", json={"token": tokens[0]})
    assert_problem(refused, 403, "invited_elsewhere")
    assert (await guest.request("POST", "/invitations/accept", json={"token": tokens[1]})).status_code == 200


async def test_an_expired_invitation_is_refused(
    inviter: ApiUser, smtp_server: FakeSmtpServer, settings: Settings
) -> None:
    guest = await register_guest(inviter, smtp_server)
    invitation = await invite(inviter, guest.email)
    with psycopg.connect(settings.database_url) as connection:
        sql = "update auth.invitations set expires_at = now() - interval '1 second' where id = %s"
        assert connection.execute(sql, (invitation,)).rowcount == 1
    assert_problem(
        await guest.request("POST", "/invitations/accept", json={"token": smtp_server.invitation_token()}), 404
    )
    assert (await inviter.get(f"/workspaces/{inviter.workspace}/invitations"))["items"] == []


async def test_inviting_again_retries_a_failed_mail(inviter: ApiUser, smtp_server: FakeSmtpServer) -> None:
    path, key = f"/workspaces/{inviter.workspace}/invitations", {"Idempotency-Key": uuid4().hex}
    body = {"email": "eve@example.com"}
    smtp_server.replies[b"MAIL"] = b"451 not now"
    answer = await inviter.request("POST", path, json=body, headers=key)
    assert assert_problem(answer, 503, "mail_unavailable")
    assert answer.headers["retry-after"] == "1"
    (unsent,) = (await inviter.get(path))["items"]
    assert unsent["sent_at"] is None
    del smtp_server.replies[b"MAIL"]
    for _ in range(2):
        again = await inviter.request("POST", path, json=body, headers=key)
        assert (again.status_code, again.json()["id"]) == (201, unsent["id"])
    assert len(smtp_server.messages) == 1
    (item,) = (await inviter.get(path))["items"]
    assert item["sent_at"]


async def test_the_event_log_holds_no_address_and_no_token(
    inviter: ApiUser, smtp_server: FakeSmtpServer, settings: Settings
) -> None:
    address = f"{uuid4().hex}@example.com"
    await invite(inviter, address)
    with psycopg.connect(settings.database_url) as connection:
        states = connection.execute("select convert_from(state, 'UTF8') from log.events").fetchall()
        kept = connection.execute("select invitations::text from auth.invitations").fetchall()
    assert not [state for (state,) in states if address in state or smtp_server.invitation_token() in state]
    assert not [row for (row,) in kept if smtp_server.invitation_token() in row]


async def test_in_development_a_token_that_cannot_be_mailed_is_printed(
    ann: ApiUser, bob: ApiUser, log_lines: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    await identity_guarantees.a_printed_token_is_not_logged_and_names_no_address(ann, bob, log_lines, capsys)


async def test_production_without_a_mail_server_refuses_invitations(isolated_settings: Settings) -> None:
    with manual_projector(isolated_settings) as fold:
        async with app_client(msgspec.structs.replace(isolated_settings, environment="production")) as client:
            host = await ApiUser.register_with_project(client, fold, "Host")
            path = f"/workspaces/{host.workspace}/invitations"
            assert_problem(
                await host.request("POST", path, json={"email": "eve@example.com"}), 422, "mail_is_not_set_up"
            )
            assert (await host.get(path))["items"] == []


@pytest.mark.parametrize("registration", ["open", "closed"])
async def test_registering_with_an_invitation_joins_the_workspace(
    inviter: ApiUser, smtp_server: FakeSmtpServer, settings: Settings, registration: str
) -> None:
    email = f"eve-{uuid4().hex}@example.com"
    await invite(inviter, email, "admin")
    async with app_client(msgspec.structs.replace(settings, registration=registration)) as client:
        answer = await client.post(
            "/auth/register", json=registration_body(email.upper(), smtp_server.invitation_token())
        )
        assert answer.status_code == 201, answer.text
        again = await client.post("/auth/register", json=registration_body(email, smtp_server.invitation_token()))
        assert_problem(again, 422, "invitation_is_closed")
    path = f"/workspaces/{inviter.workspace}?min_position={answer.json()['position']}"
    assert (await inviter.get(path))["members"][answer.json()["id"]] == "admin"
    assert (await inviter.get(f"/workspaces/{inviter.workspace}/invitations"))["items"] == []


async def test_an_invitation_to_another_address_does_not_open_registration(
    inviter: ApiUser, smtp_server: FakeSmtpServer, settings: Settings
) -> None:
    await invite(inviter, f"eve-{uuid4().hex}@example.com")
    async with app_client(msgspec.structs.replace(settings, registration="closed")) as closed:
        other = registration_body(f"mallory-{uuid4().hex}@example.com", smtp_server.invitation_token())
        assert_problem(await closed.post("/auth/register", json=other), 403, "invited_elsewhere")
        revoked = (await inviter.get(f"/workspaces/{inviter.workspace}/invitations"))["items"][0]
        assert (await inviter.request("DELETE", f"/invitations/{revoked['id']}")).status_code == 200
        late = registration_body(revoked["email"], smtp_server.invitation_token())
        assert_problem(await closed.post("/auth/register", json=late), 422, "invitation_is_closed")


async def test_an_invalid_invitation_is_refused_before_registering(
    inviter: ApiUser, smtp_server: FakeSmtpServer, settings: Settings
) -> None:
    """A user who registered with it would not find the workspace."""
    email, guest = f"eve-{uuid4().hex}@example.com", await register_guest(inviter, smtp_server)
    members = f"/workspaces/{inviter.workspace}/members/{guest.id}"
    await inviter.request("PUT", members, json={"role": "admin"})
    await guest.post(f"/workspaces/{inviter.workspace}/invitations", email=email)
    assert (await inviter.request("DELETE", members)).status_code == 200
    for invitation in (smtp_server.invitation_token(), "of nobody", ""):
        answer = await inviter.client.post("/auth/register", json=registration_body(email, invitation))
        assert_problem(answer, 422, "invitation_is_closed")
    with psycopg.connect(settings.database_url) as connection:
        sql = "select 1 from log.events where convert_from(state, 'UTF8') like %s"
        assert connection.execute(sql, (f"%{email}%",)).fetchall() == []
    answer = await inviter.client.post("/auth/register", json={"email": email, "name": "Eve", "password": PASSWORD})
    assert answer.status_code == 201


async def test_a_replay_mails_nothing_once_the_invitation_is_closed(
    inviter: ApiUser, smtp_server: FakeSmtpServer
) -> None:
    guest, path = await register_guest(inviter, smtp_server), f"/workspaces/{inviter.workspace}/invitations"
    accepted, revoked = ({"Idempotency-Key": uuid4().hex} for _ in range(2))
    await inviter.request("POST", path, json={"email": guest.email}, headers=accepted)
    assert (
        await guest.request("POST", "/invitations/accept", json={"token": smtp_server.invitation_token()})
    ).status_code == 200
    made = await inviter.request("POST", path, json={"email": "eve@example.com"}, headers=revoked)
    assert (await inviter.request("DELETE", f"/invitations/{made.json()['id']}")).status_code == 200
    for email, key in ((guest.email, accepted), ("eve@example.com", revoked)):
        again = await inviter.request("POST", path, json={"email": email}, headers=key)
        assert (again.status_code, again.headers["idempotent-replayed"]) == (201, "true")
    assert len(smtp_server.messages) == 2
    assert (await inviter.get(path))["items"] == []


async def test_a_replay_mails_nothing_if_the_sender_may_no_longer_invite(
    inviter: ApiUser, smtp_server: FakeSmtpServer
) -> None:
    guest, path = await register_guest(inviter, smtp_server), f"/workspaces/{inviter.workspace}/invitations"
    member = f"/workspaces/{inviter.workspace}/members/{guest.id}"
    await inviter.request("PUT", member, json={"role": "admin"})
    body, key = {"email": "eve@example.com"}, {"Idempotency-Key": uuid4().hex}
    smtp_server.replies[b"MAIL"] = b"451 not now"
    assert_problem(await guest.request("POST", path, json=body, headers=key), 503, "mail_unavailable")
    del smtp_server.replies[b"MAIL"]
    reader = await guest.with_personal_token("read")
    assert (await reader.request("POST", path, json=body, headers=key)).status_code == 201
    await inviter.request("PUT", member, json={"role": "viewer"})
    assert (await guest.request("POST", path, json=body, headers=key)).status_code == 201
    assert smtp_server.messages == []
    await inviter.request("PUT", member, json={"role": "admin"})
    assert (await guest.request("POST", path, json=body, headers=key)).status_code == 201
    assert len(smtp_server.messages) == 1


async def test_a_leftover_row_of_a_closed_invitation_is_refused(
    inviter: ApiUser, smtp_server: FakeSmtpServer, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    await identity_guarantees.a_closed_invitation_is_refused(inviter, smtp_server, settings, monkeypatch)


async def test_an_invitation_is_refused_once_its_sender_is_removed(
    inviter: ApiUser, smtp_server: FakeSmtpServer
) -> None:
    guest, eve = await register_guest(inviter, smtp_server), await register_guest(inviter, smtp_server)
    member = f"/workspaces/{inviter.workspace}/members/{guest.id}"
    await inviter.request("PUT", member, json={"role": "owner"})
    await guest.post(f"/workspaces/{inviter.workspace}/invitations", email=eve.email, role="owner")
    body = {"token": smtp_server.invitation_token()}
    assert (await inviter.request("PUT", member, json={"role": "admin"})).status_code == 200
    assert_problem(await eve.request("POST", "/invitations/accept", json=body), 422, "invitation_is_closed")
    assert (await inviter.request("DELETE", member)).status_code == 200
    assert_problem(await eve.request("POST", "/invitations/accept", json=body), 422, "invitation_is_closed")
    await inviter.request("PUT", member, json={"role": "owner"})
    assert (await eve.request("POST", "/invitations/accept", json=body)).status_code == 200


async def test_accepting_with_an_idempotency_key_is_replayed(inviter: ApiUser, smtp_server: FakeSmtpServer) -> None:
    guest = await register_guest(inviter, smtp_server)
    await invite(inviter, guest.email)
    body, key = {"token": smtp_server.invitation_token()}, {"Idempotency-Key": uuid4().hex}
    tried = await guest.request("POST", "/invitations/accept?dry_run=true", json=body, headers=key)
    assert [event["type"] for event in tried.json()["events"]] == ["InvitationAccepted", "MemberJoined"]
    first = await guest.request("POST", "/invitations/accept", json=body, headers=key)
    again = await guest.request("POST", "/invitations/accept", json=body, headers=key)
    assert (first.status_code, again.status_code) == (200, 200)
    assert (first.json(), first.headers["location"]) == (again.json(), again.headers["location"])
    assert ("idempotent-replayed" in first.headers, again.headers["idempotent-replayed"]) == (False, "true")
    other = {"token": "tli_" + "x" * 43}
    assert_problem(await guest.request("POST", "/invitations/accept", json=other, headers=key), 422, "key_reused")
    assert_problem(await guest.request("POST", "/invitations/accept", json=body), 404)
    assert (await inviter.request("DELETE", f"/workspaces/{inviter.workspace}/members/{guest.id}")).status_code == 200
    assert_problem(await guest.request("POST", "/invitations/accept", json=body, headers=key), 404)


async def test_an_invitation_is_not_mailed_twice_at_once(
    inviter: ApiUser, smtp_server: FakeSmtpServer, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time_budget, "MAIL_S", 30.0)
    monkeypatch.setattr(time_budget, "REQUEST_S", 30.0)
    guest, path = await register_guest(inviter, smtp_server), f"/workspaces/{inviter.workspace}/invitations"
    body, key = {"email": guest.email}, {"Idempotency-Key": uuid4().hex}
    smtp_server.responsive.clear()
    first = asyncio.create_task(inviter.request("POST", path, json=body, headers=key))
    await smtp_server.connected.acquire()
    assert_problem(await inviter.request("POST", path, json=body, headers=key), 409, "twin_in_flight")
    async with app_client(msgspec.structs.replace(settings, mail_url=smtp_server.url)) as other:
        elsewhere = await inviter.log_in_again(other)
        assert (await elsewhere.request("POST", path, json=body, headers=key)).status_code == 201
    smtp_server.responsive.set()
    assert (await first).status_code == 201
    assert (smtp_server.connection_count, len(smtp_server.messages)) == (1, 1)
    assert (
        await guest.request("POST", "/invitations/accept", json={"token": smtp_server.invitation_token()})
    ).status_code == 200


async def test_a_silent_mail_server_delays_no_other_request(
    settings: Settings, fold: Callable[[], None], smtp_server: FakeSmtpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Few requests talk to the mail server, some wait, the rest are refused at once; password hashing is unaffected."""
    monkeypatch.setattr(mailer, "MAX_PENDING_MESSAGES", 8)
    monkeypatch.setattr(time_budget, "MAIL_S", 30.0)
    monkeypatch.setattr(time_budget, "REQUEST_S", 30.0)
    async with app_client(msgspec.structs.replace(settings, mail_url=smtp_server.url, rate_limits="off")) as client:
        host = await register_verified(client, fold, "Host", smtp_server)
        smtp_server.responsive.clear()
        path = f"/workspaces/{host.workspace}/invitations"
        jobs = [asyncio.create_task(host.request("POST", path, json={"email": f"x{n}@e.com"})) for n in range(12)]
        for first in islice(asyncio.as_completed(jobs), 4):
            assert_problem(await first, 503, "mail_unavailable")
        for _ in range(mailer.MAX_CONNECTIONS):
            await smtp_server.connected.acquire()
        await host.log_in_again()
        assert (sum(job.done() for job in jobs), smtp_server.connection_count) == (4, mailer.MAX_CONNECTIONS)
        smtp_server.responsive.set()
        assert sorted(answer.status_code for answer in await asyncio.gather(*jobs)) == [201] * 8 + [503] * 4


@pytest.mark.parametrize("email", ["eve@example.com", "ève@example.com"])
async def test_a_silent_mail_server_is_reported_within_three_seconds(
    inviter: ApiUser, smtp_server: FakeSmtpServer, email: str
) -> None:
    smtp_server.responsive.clear()
    path, began = f"/workspaces/{inviter.workspace}/invitations", time.monotonic()
    problem = assert_problem(await inviter.request("POST", path, json={"email": email}), 503, "mail_unavailable")
    assert time.monotonic() - began < 3
    assert ("mail was not sent" in problem["detail"]) == email.isascii(), "with another, nothing was created"
    assert len((await inviter.get(path))["items"]) == email.isascii()


async def test_repeated_tries_leave_one_invitation_open(inviter: ApiUser, smtp_server: FakeSmtpServer) -> None:
    path = f"/workspaces/{inviter.workspace}/invitations"
    smtp_server.replies[b"MAIL"] = b"451 not now"
    other = (await inviter.request("POST", path, json={"email": "other@example.com"})).status_code
    for email in ("eve@example.com", "Eve@Example.com", "eve@example.com"):
        answer = await inviter.request("POST", path, json={"email": email, "role": "viewer"})
        problem = assert_problem(answer, 503, "mail_unavailable")
        assert "its mail was not sent" in problem["detail"]
    opened = (await inviter.get(path))["items"]
    assert (other, [(item["email"], item["sent_at"]) for item in opened]) == (
        503,
        [("other@example.com", None), ("eve@example.com", None)],
    )
    del smtp_server.replies[b"MAIL"]
    invitation = await invite(inviter, "eve@example.com", "admin")
    _, item = (await inviter.get(path))["items"]
    assert (item["id"], item["role"], item["sent_at"] is None) == (invitation, "admin", False)


async def test_a_new_invitation_replaces_the_sent_one_once_it_is_sent_itself(
    inviter: ApiUser, smtp_server: FakeSmtpServer
) -> None:
    guest, path = await register_guest(inviter, smtp_server), f"/workspaces/{inviter.workspace}/invitations"
    first = await invite(inviter, guest.email)
    smtp_server.replies[b"MAIL"] = b"451 not now"
    for _ in range(2):
        assert (await inviter.request("POST", path, json={"email": guest.email})).status_code == 503
    assert [item["id"] == first for item in (await inviter.get(path))["items"]] == [True, False]
    del smtp_server.replies[b"MAIL"]
    last = await invite(inviter, guest.email)
    assert [item["id"] for item in (await inviter.get(path))["items"]] == [last]
    for number, status in ((0, 404), (-1, 200)):
        body = {"token": smtp_server.invitation_token(number)}
        assert (await guest.request("POST", "/invitations/accept", json=body)).status_code == status


async def test_invitations_per_user_are_limited_and_the_limit_is_reported(
    inviter: ApiUser, smtp_server: FakeSmtpServer
) -> None:
    path = f"/workspaces/{inviter.workspace}/invitations"
    for number in range(INVITATION_LIMIT.quota):
        await invite(inviter, f"eve-{number}@example.com")
    answer = await inviter.request("POST", path, json={"email": "eve@example.com"})
    wait = int(answer.headers["retry-after"])
    expected = {"policy": "invitations", "quota": 20, "window": 3600, "retry_after": wait}
    assert assert_problem(answer, 429, "too_many_invitations")["params"] == expected
    assert answer.headers["ratelimit"] == f'"invitations";r=0;t={wait}'
    assert answer.headers["ratelimit-policy"] == '"invitations";q=20;w=3600'
    assert len(smtp_server.messages) == INVITATION_LIMIT.quota
    guest = await register_guest(inviter, smtp_server)
    await invite(guest, "eve@example.com")


@pytest.mark.parametrize(
    "email",
    [
        "=?utf-8?b?!?=@e.c",
        "=?utf-8?b?YQpYOiB5?=@e.com",
        "=?utf-8?q?a=40evil.com?=@e.com",
        "=?utf-8?b?AAA?=@e.com",
        "=?utf-8?b?YSwgdkB3LngsIGI=?=@e.com",
        "a=?b@example.com",
    ],
)
async def test_an_ambiguous_mail_address_is_refused(inviter: ApiUser, email: str) -> None:
    path = f"/workspaces/{inviter.workspace}/invitations"
    assert_problem(await inviter.request("POST", path, json={"email": email}), 400, "invalid_body")
    registration = {"email": email, "name": "Eve", "password": PASSWORD}
    assert_problem(await inviter.client.post("/auth/register", json=registration), 400, "invalid_body")


@pytest.mark.parametrize(
    "email",
    [
        "a" * 64 + "@" + ("b" * 60 + ".") * 3 + "c",
        "o'brien+x@example.com",
        "a..b@example.com",
        "a?=b@example.com",
        "!#$%&*@x-y.z",
    ],
)
async def test_mail_goes_to_exactly_the_given_address(
    inviter: ApiUser, smtp_server: FakeSmtpServer, email: str
) -> None:
    await invite(inviter, email)
    assert smtp_server.recipients == [email]
    assert [one.addr_spec for one in smtp_server.messages[0]["To"].addresses] == [email]


async def test_a_non_ascii_address_without_smtputf8_is_refused_before_writing(
    inviter: ApiUser, smtp_server: FakeSmtpServer
) -> None:
    path, email = f"/workspaces/{inviter.workspace}/invitations", "jürgen@example.com"
    assert_problem(await inviter.request("POST", path, json={"email": email}), 422, "address_refused")
    assert (await inviter.get(path))["items"] == []
    smtp_server.replies[b"EHLO"] = b"250-here\r\n250 SMTPUTF8"
    await invite(inviter, email)
    assert smtp_server.recipients == [email]


async def test_an_address_the_mail_server_rejects_is_reported(inviter: ApiUser, smtp_server: FakeSmtpServer) -> None:
    path = f"/workspaces/{inviter.workspace}/invitations"
    smtp_server.replies[b"RCPT"] = b"550 nobody here"
    assert_problem(await inviter.request("POST", path, json={"email": "eve@example.com"}), 422, "address_refused")
    smtp_server.replies[b"RCPT"] = b"450 come back"
    assert_problem(await inviter.request("POST", path, json={"email": "eve@example.com"}), 503, "mail_unavailable")


async def test_a_workspace_name_cannot_inject_mail_headers(inviter: ApiUser, smtp_server: FakeSmtpServer) -> None:
    named = await inviter.post("/workspaces", name="=?utf-8?q?x=0ABcc:_eve=40example.com?=")
    await inviter.post(f"/workspaces/{named['id']}/invitations", email="ann@example.com")
    (message,) = smtp_server.messages
    assert message["Bcc"] is None
    assert message["Subject"] == "Host invites you to = ?utf-8?q?x=0ABcc:_eve=40example.com?="
    assert smtp_server.recipients == ["ann@example.com"]


async def test_an_address_is_invited_once_however_it_is_spelled(ann: ApiUser) -> None:
    for email in ("r\u00e9ne@b\u00fccher.example", "RE\u0301NE@B\u00dcCHER.example", "r\u00e9ne@xn--bcher-kva.example"):
        path = f"/workspaces/{ann.workspace}/invitations"
        await ann.post(path, email=email)
        assert [one["email"] for one in (await ann.get(path))["items"]] == [email]


async def test_an_address_invited_many_times_at_once_has_one_invitation(ann: ApiUser) -> None:
    path = f"/workspaces/{ann.workspace}/invitations"
    for _ in range(5):
        emails = ["eve@example.com", "Eve@example.com"] * 3
        answers = await asyncio.gather(*(ann.request("POST", path, json={"email": email}) for email in emails))
        assert {answer.status_code for answer in answers} <= {201, 429}
        assert len((await ann.get(path))["items"]) == 1


async def test_an_invitation_overtaken_before_its_address_is_stored_is_revoked(
    ann: ApiUser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The later one is sent, and revokes those before it, while the earlier one is not stored yet."""
    create_token, begun, overtaken = Invitations.create_token, asyncio.Event(), asyncio.Event()
    path = f"/workspaces/{ann.workspace}/invitations"

    async def create_slowly(invitations: Invitations, invitation: UUID, email: str) -> str | None:
        if email == "eve@example.com":
            begun.set()
            await overtaken.wait()
        return await create_token(invitations, invitation, email)

    monkeypatch.setattr(Invitations, "create_token", create_slowly)
    slow = asyncio.create_task(ann.request("POST", path, json={"email": "eve@example.com"}))
    await begun.wait()
    later = await ann.post(path, email="EVE@example.com")
    overtaken.set()
    assert (await slow).status_code == 201
    assert [one["id"] for one in (await ann.get(path))["items"]] == [later["id"]]
