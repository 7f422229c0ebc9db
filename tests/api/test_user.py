"""Registering, logging in, and who you are."""

import asyncio
from uuid import uuid4

import httpx
import jwt
import msgspec
import pytest

from infra.settings import Settings
from tests.api.opened import opened
from tests.api.problems import refused
from tests.visitor import PASSWORD, Visitor

pytestmark = pytest.mark.asyncio(loop_scope="package")


def wish(email: str) -> dict[str, str]:
    return {"email": email, "name": "Ann", "password": PASSWORD}


def unused() -> str:
    return f"ann-{uuid4().hex}@example.com"


async def test_whoever_registers_can_log_in_and_is_told_who_they_are(client: httpx.AsyncClient) -> None:
    email = unused()
    registered = await client.post("/auth/register", json=wish(email))
    assert registered.status_code == 201
    assert registered.headers["location"] == "/api/v1/auth/me"
    assert registered.headers["etag"] == '"1"'
    assert registered.json().keys() == {"id", "version", "position"}
    session = await client.post("/auth/login", json={"email": email, "password": PASSWORD})
    assert session.status_code == 200
    assert session.headers["cache-control"] == "no-store"
    assert (session.json()["token_type"], session.json()["expires_in"]) == ("Bearer", 12 * 3600)
    headers = {"Authorization": f"Bearer {session.json()['access_token']}"}
    me = await client.get(registered.headers["location"].removeprefix("/api/v1"), headers=headers)
    assert me.json() == {"id": registered.json()["id"], "email": email, "name": "Ann"}
    assert me.headers["cache-control"] == "no-store"


async def test_a_token_holds_no_personal_data(ann: Visitor) -> None:
    token = ann.headers["Authorization"].removeprefix("Bearer ")
    claims = jwt.decode(token, options={"verify_signature": False})
    assert claims.keys() - {"extras"} == {"exp", "iat", "iss", "aud", "sub", "jti", "typ"}
    assert claims["sub"] == ann.id
    assert not claims.get("extras")


async def test_the_scheme_of_a_token_is_read_in_any_case_of_letters(ann: Visitor) -> None:
    token = ann.headers["Authorization"].removeprefix("Bearer ")
    assert (await ann.client.get("/auth/me", headers={"Authorization": f"bearer {token}"})).status_code == 200


async def test_an_address_is_taken_in_any_case_of_letters(client: httpx.AsyncClient) -> None:
    email = unused()
    assert (await client.post("/auth/register", json=wish(email))).status_code == 201
    for other in (email, email.upper(), email.replace("ann", "Ann")):
        refused(await client.post("/auth/register", json=wish(other)), 409, "email_taken")
        session = await client.post("/auth/login", json={"email": other, "password": PASSWORD})
        assert session.status_code == 200


async def test_one_of_all_who_register_one_address_at_once_gets_it(client: httpx.AsyncClient) -> None:
    email = unused()
    spellings = [email if number % 2 else email.upper() for number in range(10)]
    answers = await asyncio.gather(
        *(client.post("/auth/register", json={**wish(one), "password": one + one}) for one in spellings)
    )
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 9
    for answer in answers:
        if answer.status_code == 409:
            refused(answer, 409, "email_taken")
    (winner,) = (one for one, answer in zip(spellings, answers, strict=True) if answer.status_code == 201)
    session = await client.post("/auth/login", json={"email": email, "password": winner + winner})
    assert session.status_code == 200


async def test_all_who_register_at_once_are_registered(client: httpx.AsyncClient) -> None:
    answers = await asyncio.gather(*(client.post("/auth/register", json=wish(unused())) for _ in range(10)))
    assert [answer.status_code for answer in answers] == [201] * 10
    assert len({answer.json()["id"] for answer in answers}) == 10


async def test_a_wrong_password_and_an_unknown_address_answer_alike(client: httpx.AsyncClient) -> None:
    email = unused()
    await client.post("/auth/register", json=wish(email))
    wrong = await client.post("/auth/login", json={"email": email, "password": PASSWORD + "!"})
    unknown = await client.post("/auth/login", json={"email": unused(), "password": PASSWORD})
    told = [refused(answer, 401, "wrong_credentials") for answer in (wrong, unknown)]
    assert told[0]["detail"] == told[1]["detail"]
    assert wrong.headers.keys() == unknown.headers.keys()


@pytest.mark.parametrize("email", ["", "no address", "a\0@example.com", "' or 1=1 --", "ann@example.com\n"])
async def test_what_is_no_address_belongs_to_nobody(client: httpx.AsyncClient, email: str) -> None:
    refused(await client.post("/auth/login", json={"email": email, "password": PASSWORD}), 401, "wrong_credentials")


@pytest.mark.parametrize(
    "password", ["eight ch", "пароль пароль", "🥛🥛🥛🥛🥛🥛🥛🥛", "a\0b\0c\0d\0", "  spaces  ", "x" * 200]
)
async def test_a_password_is_kept_as_it_was_typed(client: httpx.AsyncClient, password: str) -> None:
    email = unused()
    assert (await client.post("/auth/register", json={**wish(email), "password": password})).status_code == 201
    assert (await client.post("/auth/login", json={"email": email, "password": password})).status_code == 200
    other = password[:-1] + "?"
    refused(await client.post("/auth/login", json={"email": email, "password": other}), 401)


async def test_nobody_registers_where_registration_is_closed(settings: Settings, house: Visitor) -> None:
    async with opened(msgspec.structs.replace(settings, registration="closed")) as closed:
        refused(await closed.post("/auth/register", json=wish(unused())), 403, "registration_closed")
        assert (await closed.get("/auth/me", headers=house.headers)).status_code == 200
