"""Invitations over HTTP: mailed, accepted once, by whom they were sent to."""

import re
from collections.abc import AsyncIterator, Callable
from uuid import uuid4

import msgspec
import psycopg
import pytest
import pytest_asyncio

from infra.logs import logger
from infra.settings import Settings
from tests.api.opened import folding, opened
from tests.api.problems import refused
from tests.mailbox import Mailbox, mailbox
from tests.visitor import PASSWORD, Visitor

pytestmark = pytest.mark.asyncio(loop_scope="package")


@pytest_asyncio.fixture(loop_scope="package")
async def box() -> AsyncIterator[Mailbox]:
    async with mailbox() as opened_box:
        yield opened_box


@pytest_asyncio.fixture(loop_scope="package")
async def host(settings: Settings, fold: Callable[[], None], box: Mailbox) -> AsyncIterator[Visitor]:
    """Somebody in an installation that sends its mail into the box."""
    async with opened(msgspec.structs.replace(settings, mail_url=box.url)) as client:
        yield await Visitor.settled(client, fold, "Host")


async def guest_of(host: Visitor) -> Visitor:
    return await Visitor.settled(host.client, host.fold, "Guest")


def token_in(box: Mailbox) -> str:
    found = re.search(r"tli_[\w-]{43}", box.messages[-1].get_content())
    assert found
    return found[0]


async def invite(host: Visitor, email: str, role: str = "member") -> str:
    answer = await host.post(f"/workspaces/{host.workspace}/invitations", email=email, role=role)
    return str(answer["id"])


async def test_an_invitation_comes_by_mail_and_makes_a_member(host: Visitor, box: Mailbox) -> None:
    guest = await guest_of(host)
    invitation = await invite(host, guest.email.upper(), "admin")
    (message,) = box.messages
    assert (message["To"], message["Subject"]) == (guest.email.upper(), "Host invites you to Home")
    answer = await guest.ask("POST", "/invitations/accept", json={"token": token_in(box)})
    assert (answer.status_code, answer.json()["id"]) == (200, invitation)
    assert answer.headers["location"] == f"/api/v1/workspaces/{host.workspace}"
    assert (await guest.get(f"/workspaces/{host.workspace}"))["members"][guest.id] == "admin"
    refused(await guest.ask("POST", "/invitations/accept", json={"token": token_in(box)}), 404)
    assert (await host.get(f"/workspaces/{host.workspace}/invitations"))["items"] == []


async def test_open_invitations_are_listed_for_admins_without_their_tokens(host: Visitor, box: Mailbox) -> None:
    invitation = await invite(host, "eve@example.com")
    path = f"/workspaces/{host.workspace}/invitations"
    (item,) = (await host.get(path))["items"]
    assert item["id"] == invitation
    assert (item["email"], item["role"], item["invited_by"]) == ("eve@example.com", "member", host.id)
    assert item["sent_at"]
    assert await host.get(f"/invitations/{invitation}") == item
    assert token_in(box) not in str(item)
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
    refused(await guest.ask("POST", "/invitations/accept", json={"token": token_in(box)}), 404)
    refused(await host.ask("GET", f"/invitations/{invitation}"), 404)


async def test_an_invitation_is_for_the_address_it_was_sent_to(host: Visitor, box: Mailbox) -> None:
    guest = await guest_of(host)
    await invite(host, "somebody-else@example.com")
    answer = await guest.ask("POST", "/invitations/accept", json={"token": token_in(box)})
    refused(answer, 403, "invited_elsewhere")
    assert "somebody-else" not in answer.text
    refused(await guest.ask("POST", "/invitations/accept", json={"token": "tli_" + "x" * 43}), 404, "not_found")


async def test_an_invitation_that_is_too_old_is_gone(host: Visitor, box: Mailbox, settings: Settings) -> None:
    guest = await guest_of(host)
    invitation = await invite(host, guest.email)
    with psycopg.connect(settings.database_url) as connection:
        sql = "update auth.invitations set expires_at = now() - interval '1 second' where id = %s"
        assert connection.execute(sql, (invitation,)).rowcount == 1
    refused(await guest.ask("POST", "/invitations/accept", json={"token": token_in(box)}), 404)
    assert (await host.get(f"/workspaces/{host.workspace}/invitations"))["items"] == []


async def test_a_mail_server_that_says_no_is_asked_again_by_who_asks_again(host: Visitor, box: Mailbox) -> None:
    path, key = f"/workspaces/{host.workspace}/invitations", {"Idempotency-Key": uuid4().hex}
    body = {"email": "eve@example.com"}
    box.refuses = True
    answer = await host.ask("POST", path, json=body, headers=key)
    assert refused(answer, 503, "mail_unavailable")
    assert answer.headers["retry-after"] == "1"
    (unsent,) = (await host.get(path))["items"]
    assert unsent["sent_at"] is None
    box.refuses = False
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
    assert not [state for (state,) in states if address in state or token_in(box) in state]
    assert not [row for (row,) in kept if token_in(box) in row]


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


def newcomer(email: str, token: str) -> dict[str, str]:
    return {"email": email, "name": "Eve", "password": PASSWORD, "invitation": token}


@pytest.mark.parametrize("registration", ["open", "closed"])
async def test_whoever_registers_with_an_invitation_belongs_to_the_workspace_at_once(
    host: Visitor, box: Mailbox, settings: Settings, registration: str
) -> None:
    email = f"eve-{uuid4().hex}@example.com"
    await invite(host, email, "admin")
    async with opened(msgspec.structs.replace(settings, registration=registration)) as client:
        answer = await client.post("/auth/register", json=newcomer(email.upper(), token_in(box)))
        assert answer.status_code == 201, answer.text
        again = await client.post("/auth/register", json=newcomer(email, token_in(box)))
        assert again.status_code in {403, 409}
    path = f"/workspaces/{host.workspace}?min_position={answer.json()['position']}"
    assert (await host.get(path))["members"][answer.json()["id"]] == "admin"
    assert (await host.get(f"/workspaces/{host.workspace}/invitations"))["items"] == []


async def test_an_invitation_to_another_opens_no_closed_door(host: Visitor, box: Mailbox, settings: Settings) -> None:
    await invite(host, f"eve-{uuid4().hex}@example.com")
    async with opened(msgspec.structs.replace(settings, registration="closed")) as closed:
        other = newcomer(f"mallory-{uuid4().hex}@example.com", token_in(box))
        refused(await closed.post("/auth/register", json=other), 403, "invited_elsewhere")
        revoked = (await host.get(f"/workspaces/{host.workspace}/invitations"))["items"][0]
        assert (await host.ask("DELETE", f"/invitations/{revoked['id']}")).status_code == 200
        late = newcomer(revoked["email"], token_in(box))
        refused(await closed.post("/auth/register", json=late), 403, "registration_closed")
