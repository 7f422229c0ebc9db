"""Start-up checks in production: each fault alone is refused in one line, and nothing that is fine."""

import base64
import secrets
from collections.abc import Callable

import pytest
from msgspec.structs import replace

from infra import production
from infra.database.connections import connect
from infra.errors import OperatorError
from infra.logs import logger
from infra.settings import Settings
from tests.law import planted_defect

GUESSABLE_KEYS = [
    "x" * 32,
    "ab" * 16,
    "abcdefgh" * 4,
    "0123456789abcdef" * 2,
    "0123456789abcdef" * 2 + "0123",
    "abcdefghijklmnopqrstuvwxyz012345",
    "zyxwvutsrqponmlkjihgfedcba987654",
    "your-256-bit-secret-your-256-bits",
    "a-string-secret-at-least-256-bits-long",
    "super-secret-jwt-token-with-at-least-32-characters-long",
    "Change_Me_2f7c91d04b8e63a5f1709c2d",
    "taskledger-3f8a1c0b9d7e2465f1a0b3c8",
    "11223344112233441122334411223344",
]
DEFAULT_PASSWORDS = ["postgres", "Password1", "changeme", "taskledger", "secret123!", "kurz", "12341234", "myself99"]
CHANGES = [
    ({"jwt_key": "x" * 32}, "TASKLEDGER_JWT_KEY is an example or too regular"),
    ({"redis_url": "redis://:valkey@cache:6379/0"}, "the password in TASKLEDGER_REDIS_URL is a default or too short"),
    ({"broker_url": "redis://me:p%61ssword@broker/0"}, "the password in TASKLEDGER_BROKER_URL is a default"),
    ({"migration_url": "postgresql://postgres:postgres@db/x"}, "the password in TASKLEDGER_MIGRATION_URL is a default"),
]


@pytest.fixture(autouse=True)
def _explicit_registration(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TASKLEDGER_REGISTRATION", "open")


@pytest.fixture
def in_production(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings without a fault; the servers of the run are not durable, but here they pass as if."""
    monkeypatch.setattr(production, "DURABILITY_SETTINGS", ())
    return replace(settings, environment="production", jwt_key=secrets.token_hex(32))


def refusal(check: Callable[[Settings], None], app_settings: Settings) -> str:
    with pytest.raises(OperatorError) as raised:
        check(app_settings)
    assert len(str(raised.value).splitlines()) == 1
    return str(raised.value)


def test_a_safe_installation_may_start(in_production: Settings) -> None:
    production.require_safe_api(in_production)
    production.require_safe_worker(in_production)
    production.require_explicit_registration()


@pytest.mark.parametrize(("change", "text"), CHANGES)
def test_a_default_secret_is_refused(in_production: Settings, change: dict[str, str], text: str) -> None:
    unsafe = replace(in_production, **change)
    assert text in refusal(production.require_safe_api, unsafe)
    production.require_safe_api(replace(unsafe, environment="development"))
    if "jwt_key" not in change:
        assert text in refusal(production.require_safe_worker, unsafe)


def test_open_registration_must_be_said(in_production: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TASKLEDGER_REGISTRATION")
    assert "TASKLEDGER_REGISTRATION is not set" in refusal(production.require_safe_api, in_production)
    production.require_safe_worker(in_production)
    production.require_explicit_registration()  # in development
    monkeypatch.setenv("TASKLEDGER_ENVIRONMENT", "production")
    refusal(lambda _: production.require_explicit_registration(), in_production)


def test_one_role_for_both_is_refused(in_production: Settings) -> None:
    as_owner = replace(in_production, database_url=in_production.migration_url)
    for check in (production.require_safe_api, production.require_safe_worker):
        assert "is not restricted and can rewrite the log" in refusal(check, as_owner)


def test_servers_that_lose_acknowledged_changes_are_refused(settings: Settings) -> None:
    """Those of the test run."""
    unsafe = replace(settings, environment="production", jwt_key=secrets.token_hex(32))
    for check in (production.require_safe_api, production.require_safe_worker):
        text = refusal(check, unsafe)
        assert all(f"{name} is off" in text for name in ("fsync", "synchronous_commit", "full_page_writes"))


@pytest.mark.parametrize("value", ["on", "local", "remote_write", "remote_apply"])
def test_every_synchronous_commit_but_off_is_durable(settings: Settings, value: str) -> None:
    with connect(settings.database_url) as connection:
        connection.execute("select set_config('synchronous_commit', %s, false)", (value,))
        assert not [fault for fault in production.durability_faults(connection) if "synchronous_commit" in fault]


def test_an_unreachable_database_is_no_reason_to_stay_away(in_production: Settings) -> None:
    """The API starts without it, and serves what needs no database."""
    warnings = list[str]()
    sink = logger.add(warnings.append, level="WARNING", format="{message}")
    production.require_safe_api(replace(in_production, database_url=f"postgresql://a:{'q7' * 9}@127.0.0.1:1/none"))
    logger.remove(sink)
    assert len(warnings) == 1


@pytest.mark.parametrize("key", GUESSABLE_KEYS)
def test_a_guessable_key_is_known(key: str) -> None:
    assert production.is_guessable_key(key)


def test_no_random_secret_is_taken_for_an_example() -> None:
    for _ in range(2000):
        generated = secrets.token_bytes(32)
        assert not production.is_guessable_key(generated.hex())
        assert not production.is_guessable_key(base64.b64encode(generated).decode())
        assert not production.is_default_password(secrets.token_urlsafe(12), "taskledger_app")


@pytest.mark.parametrize("password", DEFAULT_PASSWORDS)
def test_a_default_password_is_known(password: str) -> None:
    assert production.is_default_password(password, "Myself99")


def a_default_password_is_refused(in_production: Settings, _: pytest.MonkeyPatch) -> None:
    test_a_default_secret_is_refused(in_production, *CHANGES[1])


def one_role_is_refused(in_production: Settings, _: pytest.MonkeyPatch) -> None:
    test_one_role_for_both_is_refused(in_production)


@pytest.mark.parametrize(
    ("faults", "check"),
    [
        ("_registration_faults", test_open_registration_must_be_said),
        ("_password_faults", a_default_password_is_refused),
        ("_database_faults", one_role_is_refused),
    ],
)
def test_a_check_that_finds_nothing_is_noticed(
    in_production: Settings,
    monkeypatch: pytest.MonkeyPatch,
    faults: str,
    check: Callable[[Settings, pytest.MonkeyPatch], None],
) -> None:
    monkeypatch.setattr(production, faults, lambda *_: [])
    with planted_defect(), pytest.raises((AssertionError, pytest.fail.Exception)):
        check(in_production, monkeypatch)
