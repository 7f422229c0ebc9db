"""`taskledger doctor` reports servers, versions and faults; its exit code is 1 if there is a fault."""

from pathlib import Path

import pytest

from infra.database.connections import connect
from infra.errors import OperatorError
from infra.identity.address_key import require_same_key
from infra.schema.migrate import migrate
from infra.settings import Settings
from tests.cli.conftest import RunCli
from tests.servers import Servers


def test_healthy_parts_are_ticked(run_cli: RunCli) -> None:
    result = run_cli("doctor").output
    for line in ("✓ PostgreSQL   18", "✓ migrations   up to date", "✓ cache        valkey", "✓ broker       valkey"):
        assert line in result


def test_non_durable_servers_are_reported(run_cli: RunCli) -> None:
    """Servers of the test run have fsync off, for speed."""
    result = run_cli("doctor")
    assert "✗ durability   fsync is off" in result.output
    assert result.exit_code == 1


def test_a_role_that_can_rewrite_the_log_is_mentioned(run_cli: RunCli, settings: Settings) -> None:
    """The database decides, not the names of the variables."""
    one = settings.database_url
    assert "✓ role         taskledger_app can only append" in run_cli("doctor", TASKLEDGER_MIGRATION_URL=one).output
    assert (
        "! role         taskledger is not restr"
        in run_cli("doctor", TASKLEDGER_DATABASE_URL=settings.migration_url).output
    )
    with connect(settings.migration_url) as owner:
        owner.execute("grant update on log.commands to taskledger_app")
    assert "! role         taskledger_app is not restricted" in run_cli("doctor").output


def test_missing_grants_are_reported_with_the_command_that_gives_them(run_cli: RunCli, servers: Servers) -> None:
    url = servers.new_database()
    migrate(url)
    result = run_cli("doctor", TASKLEDGER_DATABASE_URL=servers.application_url(url), TASKLEDGER_MIGRATION_URL=url)
    assert "refuses access (permission denied for table _yoyo_migration)" in result.output
    assert "TASKLEDGER_MIGRATION_URL, grants the role its privileges" in result.output


def test_a_missing_or_other_address_key_is_reported_with_what_to_do(run_cli: RunCli, settings: Settings) -> None:
    assert "✓ address key  is set" in run_cli("doctor").output
    missing = run_cli("doctor", TASKLEDGER_ADDRESS_KEY="")
    assert "✗ address key  TASKLEDGER_ADDRESS_KEY is not set: set it to 32 random characters or more" in missing.output
    assert missing.exit_code == 1
    with connect(settings.database_url) as connection:
        assert connection.execute("select count(*) from auth.address_key").fetchone() == (0,)
        require_same_key(connection, settings.address_key)  # as an API process does that starts
    for key, fault in ("", "is not set"), ("another key, of more than 32 characters", "is another one"):
        found = run_cli("doctor", TASKLEDGER_ADDRESS_KEY=key)
        assert f"✗ address key  TASKLEDGER_ADDRESS_KEY {fault}: restore the key that users" in found.output
        assert found.exit_code == 1
    assert "✓ address key  is the one that users registered under" in run_cli("doctor").output


def test_one_server_for_cache_and_broker_is_mentioned(run_cli: RunCli, settings: Settings) -> None:
    result = run_cli("doctor", TASKLEDGER_REDIS_URL=settings.broker_url).output
    assert "is the same server as the cache" in result
    assert "maxmemory-policy is noeviction, should be allkeys-lru" in result


def test_a_server_that_is_away_is_named_without_its_password(run_cli: RunCli, settings: Settings) -> None:
    secret = "s3cret-canary"
    away = f"postgresql://me:{secret}@127.0.0.1:1/none"
    result = run_cli("doctor", TASKLEDGER_DATABASE_URL=away, TASKLEDGER_REDIS_URL=f"redis://:{secret}@127.0.0.1:1/0")
    assert result.exit_code == 1
    assert "PostgreSQL at 127.0.0.1:1 does not answer" in result.output
    assert "✗ cache        does not answer" in result.output
    assert secret not in result.output


def test_an_empty_database_lacks_its_migrations(run_cli: RunCli, servers: Servers) -> None:
    url = servers.new_database()
    result = run_cli("doctor", TASKLEDGER_DATABASE_URL=url, TASKLEDGER_MIGRATION_URL=url)
    assert "✗ migrations   missing 0001" in result.output
    assert " role " not in result.output
    assert result.exit_code == 1


def test_a_projection_that_lags_is_mentioned(run_cli: RunCli, settings: Settings) -> None:
    run_cli("demo")
    assert "events behind: is a worker running?" in run_cli("doctor").output
    with connect(settings.database_url) as connection:
        connection.execute("update read.checkpoints set position = (select max(notification_id) from log.events)")
    assert "✓ projection   task_list is up to date" in run_cli("doctor").output


def test_what_production_lacks_is_reported(run_cli: RunCli, settings: Settings) -> None:
    lacking = {"TASKLEDGER_ENVIRONMENT": "production", "TASKLEDGER_REDIS_URL": "redis://:valkey@127.0.0.1:1/0"}
    printed = run_cli("doctor", **lacking, TASKLEDGER_DATABASE_URL=settings.migration_url).output
    assert "✗ production   TASKLEDGER_REGISTRATION is not set" in printed
    assert "✗ production   the password in TASKLEDGER_REDIS_URL is a default" in printed
    assert "✗ role         taskledger is not restricted" in printed
    assert " production " not in run_cli("doctor").output


def test_what_keeps_an_instance_from_starting_in_production_is_reported(run_cli: RunCli) -> None:
    unnamed = dict.fromkeys(("DATABASE_URL", "MIGRATION_URL", "BROKER_URL"), "")
    variables = {f"TASKLEDGER_{name}": value for name, value in unnamed.items()}
    result = run_cli(
        "doctor",
        **variables,
        TASKLEDGER_ENVIRONMENT="production",
        TASKLEDGER_REDIS_URL="redis://:valkey@127.0.0.1:1/0",
        TASKLEDGER_JWT_KEY="x" * 32,
    )
    assert "✗ production   TASKLEDGER_REGISTRATION is not set" in result.output
    assert "✗ production   TASKLEDGER_JWT_KEY is an example" in result.output
    assert "✗ production   the password in TASKLEDGER_REDIS_URL is a default" in result.output
    assert "No Taskledger runs in" in str(result.exception)
    assert "✗" not in run_cli("doctor", **variables).output


@pytest.mark.parametrize("process", ["api", "worker"])
def test_a_process_that_production_refuses_does_not_start(run_cli: RunCli, process: str) -> None:
    """The servers of the test run have fsync off."""
    result = run_cli(process, TASKLEDGER_ENVIRONMENT="production", TASKLEDGER_REGISTRATION="open")
    with pytest.raises(OperatorError, match=r"Not safe for production: .*fsync is off"):
        raise result.exception or AssertionError


def test_mail_is_checked_as_far_as_it_is_configured(run_cli: RunCli) -> None:
    assert "✓ mail         no server (TASKLEDGER_MAIL_URL): invitations are printed" in run_cli("doctor").output
    in_production = run_cli("doctor", TASKLEDGER_ENVIRONMENT="production").output
    assert "! mail         no server" in in_production
    assert "users cannot be invited, nor reset a forgotten password" in in_production
    assert (
        "✗ mail         the server does not accept our connection"
        in run_cli("doctor", TASKLEDGER_MAIL_URL="smtp://127.0.0.1:1").output
    )


def test_a_folder_that_takes_no_attachments_is_reported_with_what_to_do(run_cli: RunCli, tmp_path: Path) -> None:
    folder = tmp_path / "disk"
    found = run_cli("doctor", TASKLEDGER_BLOBS=str(folder))
    assert f"✗ attachments  Attachments cannot be stored in {folder}: No such file or directory. Create" in found.output
    assert found.exit_code == 1
    folder.mkdir()
    assert f"✓ attachments  can be stored in {folder}" in run_cli("doctor", TASKLEDGER_BLOBS=str(folder)).output
