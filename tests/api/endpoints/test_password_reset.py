"""Password resets over HTTP: by a mailed token, which reveals to no one whether there is an account."""

from collections.abc import Callable
from uuid import uuid4

import msgspec
import psycopg
import pytest

from infra.delivery import account_mail
from infra.rate_limits.limit import ACCOUNT_MAIL_LIMIT, ADDRESS_MAIL_LIMIT
from infra.settings import Settings
from tests.api import mail_guarantees
from tests.api.in_process_app import app_client, manual_projector, unused_address
from tests.api.mail_guarantees import NEW_PASSWORD, assert_refused, forgot, mailed_reset_token, reset
from tests.api.problems import assert_problem
from tests.api.verified_users import RESET_PREFIX, VERIFICATION_PREFIX
from tests.api_user import PASSWORD, ApiUser
from tests.fake_smtp_server import FakeSmtpServer

pytestmark = pytest.mark.asyncio(loop_scope="package")


@pytest.fixture(autouse=True)
def _patient_shutdown(monkeypatch: pytest.MonkeyPatch) -> None:
    """An application that ends has sent its mail, on a busy machine too."""
    monkeypatch.setattr(account_mail, "CLOSE_TIMEOUT_S", 20.0)


def unknown_email() -> str:
    return f"eve-{uuid4().hex}@example.com"


async def test_forgot_answers_alike_for_known_and_unknown_addresses(
    inviter: ApiUser, smtp_server: FakeSmtpServer
) -> None:
    await mail_guarantees.forgot_answers_alike(inviter, unknown_email(), smtp_server)


async def test_a_reset_ends_every_session_but_no_personal_token(inviter: ApiUser, smtp_server: FakeSmtpServer) -> None:
    await mail_guarantees.a_reset_ends_every_session(inviter, smtp_server)


async def test_of_several_resets_with_one_token_one_wins(
    inviter: ApiUser, smtp_server: FakeSmtpServer, settings: Settings
) -> None:
    async with app_client(settings) as other:
        await mail_guarantees.one_of_several_resets_wins(inviter, smtp_server, [inviter.client, other], settings)


async def test_a_token_works_once_and_for_its_purpose_only(
    inviter: ApiUser, smtp_server: FakeSmtpServer, fold: Callable[[], None]
) -> None:
    guest = await ApiUser.register_with_project(inviter.client, fold, "Guest")
    await mail_guarantees.a_token_works_once_for_its_purpose(guest, smtp_server)


async def test_an_expired_token_is_refused(
    inviter: ApiUser, smtp_server: FakeSmtpServer, settings: Settings, fold: Callable[[], None]
) -> None:
    guest = await ApiUser.register_with_project(inviter.client, fold, "Guest")
    await mail_guarantees.an_expired_token_is_refused(guest, smtp_server, settings)


@pytest.mark.parametrize("token", ["x", "tlf_", "tlf_" + "A" * 43, "\0", "мама", "' or 1=1 --"])
async def test_an_unknown_token_is_refused(shared_user: ApiUser, token: str) -> None:
    assert_refused(await reset(shared_user.client, token))
    assert_refused(await mail_guarantees.verify(shared_user.client, token))


async def test_a_new_token_replaces_the_one_before(inviter: ApiUser, smtp_server: FakeSmtpServer) -> None:
    first = await mailed_reset_token(inviter, smtp_server)
    second = await mailed_reset_token(inviter, smtp_server, count=2)
    assert_refused(await reset(inviter.client, first))
    assert (await reset(inviter.client, second)).status_code == 204


async def test_a_changed_password_voids_the_token(inviter: ApiUser, smtp_server: FakeSmtpServer) -> None:
    token = await mailed_reset_token(inviter, smtp_server)
    change = {"current_password": PASSWORD, "new_password": NEW_PASSWORD}
    assert (await inviter.request("POST", "/auth/password", json=change)).status_code == 204
    assert_refused(await reset(inviter.client, token, "a third horse"))


async def test_a_refused_password_leaves_the_token_valid(inviter: ApiUser, smtp_server: FakeSmtpServer) -> None:
    token = await mailed_reset_token(inviter, smtp_server)
    assert_problem(await reset(inviter.client, token, "short"), 400, "invalid_body")
    assert (await reset(inviter.client, token)).status_code == 204


async def test_an_unverified_user_gets_the_verification_in_place_of_a_reset(
    inviter: ApiUser, smtp_server: FakeSmtpServer, fold: Callable[[], None]
) -> None:
    guest = await ApiUser.register_with_project(inviter.client, fold, "Guest")
    await smtp_server.wait_for_token(VERIFICATION_PREFIX, guest.email)
    assert (await forgot(guest.client, guest.email)).status_code == 202
    verification = await smtp_server.wait_for_token(VERIFICATION_PREFIX, guest.email, 2)
    assert not smtp_server.tokens(RESET_PREFIX, guest.email)
    assert (await mail_guarantees.verify(guest.client, verification)).status_code == 204
    assert (await reset(guest.client, await mailed_reset_token(guest, smtp_server))).status_code == 204


async def test_the_mail_goes_to_the_registered_address_not_to_the_given_one(
    inviter: ApiUser, smtp_server: FakeSmtpServer
) -> None:
    """Both are one address to us and may be two to a mail server."""
    name = uuid4().hex
    registration = {"email": f"eve-{name}@example.com", "name": "Eve", "password": PASSWORD}
    assert (await inviter.client.post("/auth/register", json=registration)).status_code == 201
    verification = await smtp_server.wait_for_token(VERIFICATION_PREFIX, registration["email"])
    assert (await mail_guarantees.verify(inviter.client, verification)).status_code == 204
    assert (await forgot(inviter.client, f"EVE-{name}@\uff45xample.com")).status_code == 202
    await smtp_server.wait_for_token(RESET_PREFIX, registration["email"])
    assert set(smtp_server.recipients) == {registration["email"]}


async def test_mails_for_an_address_are_limited_whether_it_is_known_or_not(
    inviter: ApiUser, smtp_server: FakeSmtpServer
) -> None:
    for email in (inviter.email, unknown_email()):
        for _ in range(ACCOUNT_MAIL_LIMIT.quota):
            assert (await forgot(inviter.client, email)).status_code == 202
        answer = await forgot(inviter.client, email.upper())
        params = assert_problem(answer, 429, "too_many_mails")["params"]
        assert (params["policy"], params["quota"]) == ("account-mail", ACCOUNT_MAIL_LIMIT.quota)
        assert answer.headers["ratelimit-policy"].startswith('"account-mail"')
    await smtp_server.wait_for_token(RESET_PREFIX, inviter.email, ACCOUNT_MAIL_LIMIT.quota)
    results = [await reset(inviter.client, token) for token in smtp_server.tokens(RESET_PREFIX, inviter.email)]
    assert sorted(answer.status_code for answer in results) == [204] + [422] * (ACCOUNT_MAIL_LIMIT.quota - 1)


async def test_mails_that_one_client_asks_for_are_limited_over_all_addresses(settings: Settings) -> None:
    async with app_client(settings, unused_address()) as client:
        for _ in range(ADDRESS_MAIL_LIMIT.quota):
            assert (await forgot(client, unknown_email())).status_code == 202
        refused = await forgot(client, unknown_email())
        assert assert_problem(refused, 429, "too_many_mails")["params"]["policy"] == "address-mail"
    async with app_client(settings, unused_address()) as elsewhere:
        assert (await forgot(elsewhere, unknown_email())).status_code == 202


async def test_a_mail_server_that_refuses_is_logged_without_the_address(
    inviter: ApiUser, smtp_server: FakeSmtpServer, settings: Settings, log_lines: list[str]
) -> None:
    smtp_server.replies[b"RCPT"] = b"450 come back later"
    async with app_client(msgspec.structs.replace(settings, mail_url=smtp_server.url), unused_address()) as other:
        assert (await forgot(other, inviter.email)).status_code == 202
        await smtp_server.connected.acquire()
    assert any("a mail about an account was not sent" in line for line in log_lines)
    assert not any(inviter.email in line for line in log_lines)


async def test_a_mail_is_sent_though_the_process_stops(
    inviter: ApiUser, smtp_server: FakeSmtpServer, settings: Settings
) -> None:
    async with app_client(msgspec.structs.replace(settings, mail_url=smtp_server.url), unused_address()) as other:
        await forgot(other, inviter.email)
    assert smtp_server.tokens(RESET_PREFIX, inviter.email)


async def test_a_printed_reset_token_works_and_verifies_nothing(
    settings: Settings, ann: ApiUser, log_lines: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """In development without a mail server."""
    async with app_client(settings, unused_address()) as other:
        assert (await forgot(other, ann.email)).status_code == 202
        assert (await forgot(other, unknown_email())).status_code == 202
    printed = capsys.readouterr().out
    (token,) = [line.rpartition(" ")[2] for line in printed.splitlines() if RESET_PREFIX in line]
    assert not any(token in line or ann.email in line for line in log_lines)
    assert "@" not in printed
    assert (await reset(ann.client, token)).status_code == 204
    again = await ann.log_in_again(password=NEW_PASSWORD)
    assert (await again.get("/auth/me"))["email_verified"] is False


async def test_production_without_a_mail_server_prints_nothing_and_logs_why(
    isolated_settings: Settings, log_lines: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    production = msgspec.structs.replace(isolated_settings, environment="production")
    with manual_projector(isolated_settings) as fold:
        async with app_client(production, unused_address()) as client:
            user = await ApiUser.register_with_project(client, fold, "Ann")
            assert (await forgot(client, user.email)).status_code == 202
    assert RESET_PREFIX not in capsys.readouterr().out
    assert any("TASKLEDGER_MAIL_URL" in line for line in log_lines)
    with psycopg.connect(isolated_settings.database_url) as connection:
        assert connection.execute("select 1 from auth.mail_tokens").fetchall() == []
