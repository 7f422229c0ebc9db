"""Invitations over HTTP: mailed, accepted once, by whom they were sent to."""

import asyncio
from collections.abc import Callable
from itertools import islice
from uuid import uuid4

import msgspec
import psycopg
import pytest

from infra.delivery import mail
from infra.identity.rate_limits import INVITATION_LIMIT
from infra.logs import logger
from infra.settings import Settings
from tests.api import identity
from tests.api.identity import newcomer
from tests.api.opened import folding, opened
from tests.api.problems import refused
from tests.mailbox import Mailbox
from tests.visitor import PASSWORD, Visitor

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def guest_of(host: Visitor) -> Visitor:
    return await Visitor.settled(host.client, host.fold, "Guest")


async def invite(host: Visitor, email: str, role: str = "member") -> str:
    answer = await host.post(f"/workspaces/{host.workspace}/invitations", email=email, role=role)
    return str(answer["id"])


async def test_an_invitation_comes_by_mail_and_makes_a_member(host: Visitor, box: Mailbox) -> None:
    guest = await guest_of(host)
    invitation = await invite(host, guest.email.upper(), "admin")
    (message,) = box.messages
    assert (message["To"], message["Subject"]) == (guest.email.upper(), "Host invites you to Home")
    answer = await guest.ask("POST", "/invitations/accept", json={"token": box.token()})
    assert (answer.status_code, answer.json()["id"]) == (200, invitation)
    assert answer.headers["location"] == f"/api/v1/workspaces/{host.workspace}"
    assert (await guest.get(f"/workspaces/{host.workspace}"))["members"][guest.id] == "admin"
    refused(await guest.ask("POST", "/invitations/accept", json={"token": box.token()}), 404)
    assert (await host.get(f"/workspaces/{host.workspace}/invitations"))["items"] == []


async def test_open_invitations_are_listed_for_admins_without_their_tokens(host: Visitor, box: Mailbox) -> None:
    invitation = await invite(host, "eve@example.com")
    path = f"/workspaces/{host.workspace}/invitations"
    (item,) = (await host.get(path))["items"]
    assert item["id"] == invitation
    assert (item["email"], item["role"], item["invited_by"]) == ("eve@example.com", "member", host.id)
    assert item["sent_at"]
    assert await host.get(f"/invitations/{invitation}") == item
    assert box.token() not in str(item)
    guest = await guest_of(host)
    refused(await guest.ask("GET", path), 404)
    refused(await guest.ask("GET", f"/invitations/{invitation}"), 404)
    await host.ask("PUT", f"/workspaces/{host.workspace}/members/{guest.id}", json={"role": "member"})
    refused(await guest.ask("GET", path), 403, "forbidden")
    refused(await guest.ask("POST", path, json={"email": "x@example.com"}), 403, "forbidden")


async def test_a_revoked_invitation_is_good_for_nothing(host: Visitor, box: Mailbox) -> None:
    guest = await guest_of(host)
    invitation = await invite(host, guest.email)
    for _ in range(2):
        assert (await host.ask("DELETE", f"/invitations/{invitation}")).status_code == 200
    refused(await guest.ask("POST", "/invitations/accept", json={"token": box.token()}), 404)
    refused(await host.ask("GET", f"/invitations/{invitation}"), 404)


async def test_an_invitation_is_for_the_address_it_was_sent_to(host: Visitor, box: Mailbox) -> None:
    guest = await guest_of(host)
    await invite(host, "somebody-else@example.com")
    answer = await guest.ask("POST", "/invitations/accept", json={"token": box.token()})
    refused(answer, 403, "invited_elsewhere")
    assert "somebody-else" not in answer.text
    refused(await guest.ask("POST", "/invitations/accept", json={"token": "tli_" + "x" * 43}), 404, "not_found")


async def test_an_invitation_that_is_too_old_is_gone(host: Visitor, box: Mailbox, settings: Settings) -> None:
    guest = await guest_of(host)
    invitation = await invite(host, guest.email)
    with psycopg.connect(settings.database_url) as connection:
        sql = "update auth.invitations set expires_at = now() - interval '1 second' where id = %s"
        assert connection.execute(sql, (invitation,)).rowcount == 1
    refused(await guest.ask("POST", "/invitations/accept", json={"token": box.token()}), 404)
    assert (await host.get(f"/workspaces/{host.workspace}/invitations"))["items"] == []


async def test_a_mail_server_that_says_no_is_asked_again_by_who_asks_again(host: Visitor, box: Mailbox) -> None:
    path, key = f"/workspaces/{host.workspace}/invitations", {"Idempotency-Key": uuid4().hex}
    body = {"email": "eve@example.com"}
    box.says[b"MAIL"] = b"451 not now"
    answer = await host.ask("POST", path, json=body, headers=key)
    assert refused(answer, 503, "mail_unavailable")
    assert answer.headers["retry-after"] == "1"
    (unsent,) = (await host.get(path))["items"]
    assert unsent["sent_at"] is None
    del box.says[b"MAIL"]
    for _ in range(2):
        again = await host.ask("POST", path, json=body, headers=key)
        assert (again.status_code, again.json()["id"]) == (201, unsent["id"])
    assert len(box.messages) == 1
    (item,) = (await host.get(path))["items"]
    assert item["sent_at"]


async def test_no_address_and_no_token_gets_into_the_log(host: Visitor, box: Mailbox, settings: Settings) -> None:
    address = f"{uuid4().hex}@example.com"
    await invite(host, address)
    with psycopg.connect(settings.database_url) as connection:
        states = connection.execute("select convert_from(state, 'UTF8') from log.events").fetchall()
        kept = connection.execute("select invitations::text from auth.invitations").fetchall()
    assert not [state for (state,) in states if address in state or box.token() in state]
    assert not [row for (row,) in kept if box.token() in row]


async def test_in_development_mail_without_a_server_is_printed(own: Settings) -> None:
    lines: list[str] = []
    sink = logger.add(lambda line: lines.append(str(line)), level="INFO")
    try:
        with folding(own) as fold:
            async with opened(own) as client:
                await invite(await Visitor.settled(client, fold, "Host"), "eve@example.com")
    finally:
        logger.remove(sink)
    assert any("eve@example.com" in line and "tli_" in line for line in lines)


async def test_in_production_without_a_mail_server_nobody_is_invited(own: Settings) -> None:
    with folding(own) as fold:
        async with opened(msgspec.structs.replace(own, environment="production")) as client:
            host = await Visitor.settled(client, fold, "Host")
            path = f"/workspaces/{host.workspace}/invitations"
            refused(await host.ask("POST", path, json={"email": "eve@example.com"}), 422, "mail_is_not_set_up")
            assert (await host.get(path))["items"] == []


@pytest.mark.parametrize("registration", ["open", "closed"])
async def test_whoever_registers_with_an_invitation_belongs_to_the_workspace_at_once(
    host: Visitor, box: Mailbox, settings: Settings, registration: str
) -> None:
    email = f"eve-{uuid4().hex}@example.com"
    await invite(host, email, "admin")
    async with opened(msgspec.structs.replace(settings, registration=registration)) as client:
        answer = await client.post("/auth/register", json=newcomer(email.upper(), box.token()))
        assert answer.status_code == 201, answer.text
        again = await client.post("/auth/register", json=newcomer(email, box.token()))
        refused(again, 422, "invitation_is_closed")
    path = f"/workspaces/{host.workspace}?min_position={answer.json()['position']}"
    assert (await host.get(path))["members"][answer.json()["id"]] == "admin"
    assert (await host.get(f"/workspaces/{host.workspace}/invitations"))["items"] == []


async def test_an_invitation_to_another_opens_no_closed_door(host: Visitor, box: Mailbox, settings: Settings) -> None:
    await invite(host, f"eve-{uuid4().hex}@example.com")
    async with opened(msgspec.structs.replace(settings, registration="closed")) as closed:
        other = newcomer(f"mallory-{uuid4().hex}@example.com", box.token())
        refused(await closed.post("/auth/register", json=other), 403, "invited_elsewhere")
        revoked = (await host.get(f"/workspaces/{host.workspace}/invitations"))["items"][0]
        assert (await host.ask("DELETE", f"/invitations/{revoked['id']}")).status_code == 200
        late = newcomer(revoked["email"], box.token())
        refused(await closed.post("/auth/register", json=late), 422, "invitation_is_closed")


async def test_an_invitation_that_is_good_for_nothing_is_told_before_anything_is_written(
    host: Visitor, box: Mailbox, settings: Settings
) -> None:
    """Whoever registers with one would not find the workspace that they came for."""
    email, guest = f"eve-{uuid4().hex}@example.com", await guest_of(host)
    members = f"/workspaces/{host.workspace}/members/{guest.id}"
    await host.ask("PUT", members, json={"role": "admin"})
    await guest.post(f"/workspaces/{host.workspace}/invitations", email=email)
    assert (await host.ask("DELETE", members)).status_code == 200
    for invitation in (box.token(), "of nobody", ""):
        answer = await host.client.post("/auth/register", json=newcomer(email, invitation))
        refused(answer, 422, "invitation_is_closed")
    with psycopg.connect(settings.database_url) as connection:
        sql = "select 1 from log.events where convert_from(state, 'UTF8') like %s"
        assert connection.execute(sql, (f"%{email}%",)).fetchall() == []
    answer = await host.client.post("/auth/register", json={"email": email, "name": "Eve", "password": PASSWORD})
    assert answer.status_code == 201


async def test_a_replay_sends_nothing_once_the_invitation_is_over(host: Visitor, box: Mailbox) -> None:
    guest, path = await guest_of(host), f"/workspaces/{host.workspace}/invitations"
    accepted, revoked = ({"Idempotency-Key": uuid4().hex} for _ in range(2))
    await host.ask("POST", path, json={"email": guest.email}, headers=accepted)
    assert (await guest.ask("POST", "/invitations/accept", json={"token": box.token()})).status_code == 200
    made = await host.ask("POST", path, json={"email": "eve@example.com"}, headers=revoked)
    assert (await host.ask("DELETE", f"/invitations/{made.json()['id']}")).status_code == 200
    for email, key in ((guest.email, accepted), ("eve@example.com", revoked)):
        again = await host.ask("POST", path, json={"email": email}, headers=key)
        assert (again.status_code, again.headers["idempotent-replayed"]) == (201, "true")
    assert len(box.messages) == 2
    assert (await host.get(path))["items"] == []


async def test_a_replay_sends_nothing_for_who_may_not_invite_any_more(host: Visitor, box: Mailbox) -> None:
    guest, path = await guest_of(host), f"/workspaces/{host.workspace}/invitations"
    member = f"/workspaces/{host.workspace}/members/{guest.id}"
    await host.ask("PUT", member, json={"role": "admin"})
    body, key = {"email": "eve@example.com"}, {"Idempotency-Key": uuid4().hex}
    box.says[b"MAIL"] = b"451 not now"
    refused(await guest.ask("POST", path, json=body, headers=key), 503, "mail_unavailable")
    del box.says[b"MAIL"]
    reader = await guest.program("read")
    assert (await reader.ask("POST", path, json=body, headers=key)).status_code == 201
    await host.ask("PUT", member, json={"role": "viewer"})
    assert (await guest.ask("POST", path, json=body, headers=key)).status_code == 201
    assert box.messages == []
    await host.ask("PUT", member, json={"role": "admin"})
    assert (await guest.ask("POST", path, json=body, headers=key)).status_code == 201
    assert len(box.messages) == 1


async def test_a_row_of_an_invitation_that_the_log_closed_opens_nothing(
    host: Visitor, box: Mailbox, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    await identity.a_closed_invitation_opens_nothing(host, box, settings, monkeypatch)


async def test_an_invitation_is_good_for_nothing_once_who_sent_it_is_gone(host: Visitor, box: Mailbox) -> None:
    guest, eve = await guest_of(host), await guest_of(host)
    member = f"/workspaces/{host.workspace}/members/{guest.id}"
    await host.ask("PUT", member, json={"role": "owner"})
    await guest.post(f"/workspaces/{host.workspace}/invitations", email=eve.email, role="owner")
    body = {"token": box.token()}
    assert (await host.ask("PUT", member, json={"role": "admin"})).status_code == 200
    refused(await eve.ask("POST", "/invitations/accept", json=body), 422, "invitation_is_closed")
    assert (await host.ask("DELETE", member)).status_code == 200
    refused(await eve.ask("POST", "/invitations/accept", json=body), 422, "invitation_is_closed")
    await host.ask("PUT", member, json={"role": "owner"})
    assert (await eve.ask("POST", "/invitations/accept", json=body)).status_code == 200


async def test_accepting_with_a_key_can_be_asked_again(host: Visitor, box: Mailbox) -> None:
    guest = await guest_of(host)
    await invite(host, guest.email)
    body, key = {"token": box.token()}, {"Idempotency-Key": uuid4().hex}
    tried = await guest.ask("POST", "/invitations/accept?dry_run=true", json=body, headers=key)
    assert [event["type"] for event in tried.json()["events"]] == ["InvitationAccepted", "MemberJoined"]
    first = await guest.ask("POST", "/invitations/accept", json=body, headers=key)
    again = await guest.ask("POST", "/invitations/accept", json=body, headers=key)
    assert (first.status_code, again.status_code) == (200, 200)
    assert (first.json(), first.headers["location"]) == (again.json(), again.headers["location"])
    assert ("idempotent-replayed" in first.headers, again.headers["idempotent-replayed"]) == (False, "true")
    other = {"token": "tli_" + "x" * 43}
    refused(await guest.ask("POST", "/invitations/accept", json=other, headers=key), 422, "key_reused")
    refused(await guest.ask("POST", "/invitations/accept", json=body), 404)
    assert (await host.ask("DELETE", f"/workspaces/{host.workspace}/members/{guest.id}")).status_code == 200
    refused(await guest.ask("POST", "/invitations/accept", json=body, headers=key), 404)


async def test_an_invitation_is_not_sent_again_while_its_mail_is_under_way(
    host: Visitor, box: Mailbox, settings: Settings
) -> None:
    guest, path = await guest_of(host), f"/workspaces/{host.workspace}/invitations"
    body, key = {"email": guest.email}, {"Idempotency-Key": uuid4().hex}
    box.awake.clear()
    first = asyncio.create_task(host.ask("POST", path, json=body, headers=key))
    await box.visited.acquire()
    refused(await host.ask("POST", path, json=body, headers=key), 409, "twin_in_flight")
    async with opened(msgspec.structs.replace(settings, mail_url=box.url)) as other:
        elsewhere = await host.again(other)
        assert (await elsewhere.ask("POST", path, json=body, headers=key)).status_code == 201
    box.awake.set()
    assert (await first).status_code == 201
    assert (box.visits, len(box.messages)) == (1, 1)
    assert (await guest.ask("POST", "/invitations/accept", json={"token": box.token()})).status_code == 200


async def test_a_silent_mail_server_holds_nobody_up(
    settings: Settings, fold: Callable[[], None], box: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Few talk to it, some wait, and the next are told at once; passwords are hashed elsewhere."""
    monkeypatch.setattr(mail, "MAX_PENDING_MESSAGES", 8)
    async with opened(msgspec.structs.replace(settings, mail_url=box.url, rate_limits="off")) as client:
        host = await Visitor.settled(client, fold, "Host")
        box.awake.clear()
        path = f"/workspaces/{host.workspace}/invitations"
        jobs = [asyncio.create_task(host.ask("POST", path, json={"email": f"x{n}@e.com"})) for n in range(12)]
        for first in islice(asyncio.as_completed(jobs), 4):
            refused(await first, 503, "mail_unavailable")
        for _ in range(mail.MAX_CONNECTIONS):
            await box.visited.acquire()
        await host.again()
        assert (sum(job.done() for job in jobs), box.visits) == (4, mail.MAX_CONNECTIONS)
        box.awake.set()
        assert sorted(answer.status_code for answer in await asyncio.gather(*jobs)) == [201] * 8 + [503] * 4


async def test_the_patience_with_a_mail_server_has_an_end(
    host: Visitor, box: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mail, "SEND_TIMEOUT_S", 0.2)
    box.awake.clear()
    path = f"/workspaces/{host.workspace}/invitations"
    refused(await host.ask("POST", path, json={"email": "eve@example.com"}), 503, "mail_unavailable")


async def test_invitations_of_one_user_are_limited_and_the_limit_is_told(host: Visitor, box: Mailbox) -> None:
    path = f"/workspaces/{host.workspace}/invitations"
    for number in range(INVITATION_LIMIT.burst):
        await invite(host, f"eve-{number}@example.com")
    answer = await host.ask("POST", path, json={"email": "eve@example.com"})
    wait = int(answer.headers["retry-after"])
    told = {"policy": "invitations", "quota": 20, "window": 3600, "retry_after": wait}
    assert refused(answer, 429, "too_many_invitations")["params"] == told
    assert answer.headers["ratelimit"] == f'"invitations";r=0;t={wait}'
    assert answer.headers["ratelimit-policy"] == '"invitations";q=20;w=3600'
    assert len(box.messages) == INVITATION_LIMIT.burst
    guest = await guest_of(host)
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
async def test_an_address_that_mail_reads_as_another_is_none(host: Visitor, email: str) -> None:
    path = f"/workspaces/{host.workspace}/invitations"
    refused(await host.ask("POST", path, json={"email": email}), 400, "invalid_body")
    wish = {"email": email, "name": "Eve", "password": PASSWORD}
    refused(await host.client.post("/auth/register", json=wish), 400, "invalid_body")


@pytest.mark.parametrize(
    "email",
    [
        "a" * 64 + "@" + "b" * 180 + ".c",
        "o'brien+x@example.com",
        "a..b@example.com",
        "a?=b@example.com",
        "!#$%&*@x_y.z",
    ],
)
async def test_mail_goes_to_the_address_as_it_was_written_and_nowhere_else(
    host: Visitor, box: Mailbox, email: str
) -> None:
    await invite(host, email)
    assert box.recipients == [email]
    assert [one.addr_spec for one in box.messages[0]["To"].addresses] == [email]


async def test_letters_that_the_mail_server_is_too_old_for_are_told_before_anything_is_written(
    host: Visitor, box: Mailbox
) -> None:
    path, email = f"/workspaces/{host.workspace}/invitations", "jürgen@example.com"
    refused(await host.ask("POST", path, json={"email": email}), 422, "address_refused")
    assert (await host.get(path))["items"] == []
    box.says[b"EHLO"] = b"250-here\r\n250 SMTPUTF8"
    await invite(host, email)
    assert box.recipients == [email]


async def test_an_address_that_the_mail_server_does_not_know_is_told_as_that(host: Visitor, box: Mailbox) -> None:
    path = f"/workspaces/{host.workspace}/invitations"
    box.says[b"RCPT"] = b"550 nobody here"
    refused(await host.ask("POST", path, json={"email": "eve@example.com"}), 422, "address_refused")
    box.says[b"RCPT"] = b"450 come back"
    refused(await host.ask("POST", path, json={"email": "eve@example.com"}), 503, "mail_unavailable")


async def test_the_name_of_a_workspace_writes_no_header(host: Visitor, box: Mailbox) -> None:
    named = await host.post("/workspaces", name="=?utf-8?q?x=0ABcc:_eve=40example.com?=")
    await host.post(f"/workspaces/{named['id']}/invitations", email="ann@example.com")
    (message,) = box.messages
    assert message["Bcc"] is None
    assert message["Subject"] == "Host invites you to = ?utf-8?q?x=0ABcc:_eve=40example.com?="
    assert box.recipients == ["ann@example.com"]
