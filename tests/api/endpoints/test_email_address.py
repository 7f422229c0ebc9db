"""Spellings of e-mail addresses over HTTP: who is one person, and users who registered under the former rule."""

from uuid import UUID, uuid4

import httpx
import psycopg
import pytest

from domain.email_address import former_stream_ids
from infra.errors import OperatorError
from infra.identity.address_key import require_same_key
from infra.identity.email_addresses import address_id
from infra.settings import Settings
from tests.api.problems import assert_problem
from tests.api_user import PASSWORD, ApiUser

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def register(client: httpx.AsyncClient, email: str) -> httpx.Response:
    return await client.post("/auth/register", json={"email": email, "name": "René", "password": PASSWORD})


async def log_in(client: httpx.AsyncClient, email: str) -> httpx.Response:
    return await client.post("/auth/login", json={"email": email, "password": PASSWORD})


def unused_local_part() -> str:
    return f"ren\u00e9-{uuid4().hex}"


def forget_reservation(settings: Settings, email: str) -> None:
    """Leave the user with a reservation under the former rule only, as a release before this one wrote it."""
    with psycopg.connect(settings.migration_url, autocommit=True) as connection:
        ids = former_stream_ids(email)[0], address_id(settings.address_key, email)
        sql = "update log.events set originator_id = %s where originator_id = %s"
        assert connection.execute(sql, ids).rowcount == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("{}@example.com", "{}@EXAMPLE.com"),
        ("{}@b\u00fccher.example", "{}@bu\u0308cher.example"),
        ("{}@xn--fa-hia.de", "{}@fa\u00df.de"),
    ],
)
async def test_one_address_has_one_user_in_every_spelling(client: httpx.AsyncClient, one: str, other: str) -> None:
    local = unused_local_part()
    spellings = [one.format(local), other.format(local.replace("\u00e9", "e\u0301")), other.format(local.upper())]
    assert (await register(client, spellings[0])).status_code == 201
    for spelling in spellings:
        assert_problem(await register(client, spelling), 409, "email_taken")
        assert (await log_in(client, spelling)).status_code == 200


async def test_sharp_s_and_double_s_are_two_addresses(client: httpx.AsyncClient) -> None:
    local = unused_local_part()
    for email in (f"{local}@fa\u00df.de", f"{local}@fass.de", f"{local}\u00df@fass.de", f"{local}ss@fass.de"):
        assert (await register(client, email)).status_code == 201


@pytest.mark.parametrize("domain", ["a_b.example", "ab--cd.example", "b" * 64, "\U0001f4a9.la"])
async def test_a_domain_that_cannot_exist_is_refused(client: httpx.AsyncClient, ann: ApiUser, domain: str) -> None:
    invite = {"email": f"ann@{domain}", "role": "member"}
    invited = await ann.request("POST", f"/workspaces/{ann.workspace}/invitations", json=invite)
    for answer in (await register(client, f"ann@{domain}"), invited):
        assert assert_problem(answer, 400, "invalid_body")["errors"][0]["pointer"] == "#/email"


async def test_a_reservation_reveals_no_address(ann: ApiUser, settings: Settings) -> None:
    with psycopg.connect(settings.database_url) as connection:
        sql = "select stream from log.event_log where type = 'EmailReserved' and data ->> 'user_id' = %s"
        ((stream,),) = connection.execute(sql, (ann.id,)).fetchall()
    assert UUID(str(stream)).version == 8
    assert stream == address_id(settings.address_key, ann.email)
    assert stream not in {address_id("another key", ann.email), *former_stream_ids(ann.email)}


async def test_a_user_of_the_former_rule_logs_in_and_keeps_the_address(
    client: httpx.AsyncClient, settings: Settings
) -> None:
    email = f"{unused_local_part()}@example.com"
    await register(client, email)
    forget_reservation(settings, email)
    for spelling in (email, email.upper(), email.replace("\u00e9", "e\u0301")):
        assert (await log_in(client, spelling)).status_code == 200
        assert_problem(await register(client, spelling), 409, "email_taken")


async def test_the_former_rule_keeps_no_other_address_taken(client: httpx.AsyncClient, settings: Settings) -> None:
    local = unused_local_part()
    await register(client, f"{local}@fa\u00df.de")
    forget_reservation(settings, f"{local}@fa\u00df.de")
    assert_problem(await log_in(client, f"{local}@fass.de"), 401, "wrong_credentials")
    assert (await register(client, f"{local}@fass.de")).status_code == 201


async def test_another_key_than_before_is_refused(isolated_settings: Settings) -> None:
    with psycopg.connect(isolated_settings.database_url, autocommit=True) as connection:
        for _ in range(2):
            require_same_key(connection, "k" * 32)
        with pytest.raises(OperatorError, match="TASKLEDGER_ADDRESS_KEY"):
            require_same_key(connection, "j" * 32)


JOINED_DOMAINS = [
    "\u0646\u0627\u0645\u0647\u200c\u0627\u06cc.com",
    "\u0915\u094d\u200d\u0937.com",
    "\u0915\u094d\u200c\u0937.com",
    "x.\u0dc1\u0dca\u200d\u0dbb\u0dd3.com",
]


@pytest.mark.parametrize("domain", JOINED_DOMAINS)
async def test_a_domain_may_have_joiners_where_its_script_needs_them(client: httpx.AsyncClient, domain: str) -> None:
    email = f"{unused_local_part()}@{domain}"
    assert (await register(client, email)).status_code == 201
    assert (await log_in(client, email)).status_code == 200
    plain = email.replace("\u200c", "").replace("\u200d", "")
    assert_problem(await log_in(client, plain), 401, "wrong_credentials")


@pytest.mark.parametrize(
    "email",
    [
        "a@ab\u200dc.com",
        "a@\u200c\u0627\u06cc.com",
        "a@\u0627\u06cc\u200c.com",
        "a@\u0915\u200d\u0937.com",
        "a\u200cb@example.com",
        "a@ex\u200bample.com",
    ],
)
async def test_a_joiner_anywhere_else_is_refused(client: httpx.AsyncClient, email: str) -> None:
    assert_problem(await register(client, email), 400, "invalid_body")
