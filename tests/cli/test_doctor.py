"""`taskledger doctor` says what is reachable, which versions, and what is wrong; its exit code says whether."""

from infra.database.pool import connect
from infra.schema.migrate import migrate
from infra.settings import Settings
from tests.cli.conftest import Type
from tests.servers import Servers


def test_what_is_well_is_ticked(typed: Type) -> None:
    said = typed("doctor").output
    for line in ("✓ PostgreSQL   18", "✓ migrations   up to date", "✓ cache        valkey", "✓ broker       valkey"):
        assert line in said


def test_servers_that_may_forget_what_was_acknowledged_are_wrong(typed: Type) -> None:
    """Those of the test run are in a hurry: fsync is off there, and only there."""
    said = typed("doctor")
    assert "✗ durability   fsync is off" in said.output
    assert said.exit_code == 1


def test_a_role_that_can_rewrite_the_log_is_mentioned(typed: Type, settings: Settings) -> None:
    """Asked of the database, whatever the variables say."""
    one = settings.database_url
    assert "✓ role         taskledger_app can only append" in typed("doctor", TASKLEDGER_MIGRATION_URL=one).output
    assert (
        "! role         taskledger is not restr"
        in typed("doctor", TASKLEDGER_DATABASE_URL=settings.migration_url).output
    )
    with connect(settings.migration_url) as owner:
        owner.execute("grant update on log.commands to taskledger_app")
    assert "! role         taskledger_app is not restricted" in typed("doctor").output


def test_a_role_that_was_never_given_its_rights_is_told_who_gives_them(typed: Type, servers: Servers) -> None:
    url = servers.new_database()
    migrate(url)
    said = typed("doctor", TASKLEDGER_DATABASE_URL=servers.restricted(url), TASKLEDGER_MIGRATION_URL=url)
    assert "refuses (permission denied for table _yoyo_migration)" in said.output
    assert "TASKLEDGER_MIGRATION_URL, gives the role its rights" in said.output


def test_one_server_for_cache_and_broker_is_mentioned(typed: Type, settings: Settings) -> None:
    said = typed("doctor", TASKLEDGER_REDIS_URL=settings.broker_url).output
    assert "is the cache too" in said
    assert "maxmemory-policy is noeviction, should be allkeys-lru" in said


def test_a_server_that_is_away_is_named_without_its_password(typed: Type, settings: Settings) -> None:
    secret = "s3cret-canary"
    away = f"postgresql://me:{secret}@127.0.0.1:1/none"
    said = typed("doctor", TASKLEDGER_DATABASE_URL=away, TASKLEDGER_REDIS_URL=f"redis://:{secret}@127.0.0.1:1/0")
    assert said.exit_code == 1
    assert "PostgreSQL at 127.0.0.1:1 does not answer" in said.output
    assert "✗ cache        does not answer" in said.output
    assert secret not in said.output


def test_an_empty_database_lacks_its_migrations(typed: Type, servers: Servers) -> None:
    url = servers.new_database()
    said = typed("doctor", TASKLEDGER_DATABASE_URL=url, TASKLEDGER_MIGRATION_URL=url)
    assert "✗ migrations   missing 0001" in said.output
    assert " role " not in said.output
    assert said.exit_code == 1


def test_a_projection_that_lags_is_mentioned(typed: Type, settings: Settings) -> None:
    typed("demo")
    assert "events behind: is a worker running?" in typed("doctor").output
    with connect(settings.database_url) as connection:
        connection.execute("update read.checkpoints set position = (select max(notification_id) from log.events)")
    assert "✓ projection   task_list is up to date" in typed("doctor").output


def test_mail_is_looked_at_as_far_as_it_is_set_up(typed: Type) -> None:
    assert "✓ mail         no server (TASKLEDGER_MAIL_URL): invitations are printed" in typed("doctor").output
    assert "! mail         no server" in typed("doctor", TASKLEDGER_ENVIRONMENT="production").output
    assert (
        "✗ mail         the server does not take us" in typed("doctor", TASKLEDGER_MAIL_URL="smtp://127.0.0.1:1").output
    )
