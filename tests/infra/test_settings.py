"""Settings: the environment takes precedence over the instance in the folder, and an invalid value is named."""

from pathlib import Path

import msgspec
import pytest

from infra import settings
from infra.errors import OperatorError
from infra.processes import data_directory
from tests.infra.processes.test_data_directory import own_run

SERVERS = {
    "TASKLEDGER_DATABASE_URL": "postgresql://app@db/tasks",
    "TASKLEDGER_REDIS_URL": "redis://cache:6379/0",
    "TASKLEDGER_BROKER_URL": "redis://broker:6379/0",
}
KEY = "k" * 32


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for field in msgspec.structs.fields(settings.Settings):
        monkeypatch.delenv(f"TASKLEDGER_{field.name.upper()}", raising=False)
        monkeypatch.delenv(f"TASKLEDGER_{field.name.upper()}_FILE", raising=False)
    return monkeypatch


def test_servers_that_are_named_need_no_instance(tmp_path: Path, environment: pytest.MonkeyPatch) -> None:
    for name, value in {**SERVERS, "TASKLEDGER_JWT_KEY": KEY}.items():
        environment.setenv(name, value)
    found = settings.resolve(tmp_path)
    assert found.database_url == found.migration_url == SERVERS["TASKLEDGER_DATABASE_URL"]
    assert found.jwt_key == KEY
    assert (found.environment, found.registration) == ("development", "open")


def test_defaults_come_from_the_running_instance(tmp_path: Path, environment: pytest.MonkeyPatch) -> None:
    data_directory.ensure_secrets(tmp_path)
    data_directory.write_run_info(tmp_path, own_run())
    environment.setenv("TASKLEDGER_REDIS_URL", SERVERS["TASKLEDGER_REDIS_URL"])
    found = settings.resolve(tmp_path, needs_signing_key=True)
    assert found.redis_url == SERVERS["TASKLEDGER_REDIS_URL"]
    assert found.database_url == own_run().database_url
    assert found.migration_url == own_run().migration_url
    assert found.jwt_key == data_directory.read_secret(tmp_path, "jwt-key")


def test_a_named_database_is_not_migrated_with_the_instances_owner(
    tmp_path: Path, environment: pytest.MonkeyPatch
) -> None:
    data_directory.write_run_info(tmp_path, own_run())
    environment.setenv("TASKLEDGER_DATABASE_URL", SERVERS["TASKLEDGER_DATABASE_URL"])
    assert settings.resolve(tmp_path).migration_url == SERVERS["TASKLEDGER_DATABASE_URL"]


def test_no_running_instance_is_reported_with_both_remedies(tmp_path: Path) -> None:
    with pytest.raises(
        OperatorError, match=r"No Taskledger runs in .*taskledger serve --data .*TASKLEDGER_DATABASE_URL"
    ):
        settings.resolve(tmp_path)


def test_named_servers_without_any_signing_key_are_refused(tmp_path: Path, environment: pytest.MonkeyPatch) -> None:
    for name, value in SERVERS.items():
        environment.setenv(name, value)
    with pytest.raises(OperatorError, match="TASKLEDGER_JWT_KEY"):
        settings.resolve(tmp_path, needs_signing_key=True)
    assert settings.resolve(tmp_path).database_url == SERVERS["TASKLEDGER_DATABASE_URL"]


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("TASKLEDGER_DATABASE_URL", "mysql://canary"),
        ("TASKLEDGER_REDIS_URL", "canary"),
        ("TASKLEDGER_BROKER_URL", "http://canary"),
        ("TASKLEDGER_DATABASE_URL", "postgresql://app:canary@db:65536/tasks"),
        ("TASKLEDGER_DATABASE_URL", "postgresql://app:canary@db:5432,other:port/tasks"),
        ("TASKLEDGER_DATABASE_URL", "postgresql://app:canary@[::1/tasks"),
        ("TASKLEDGER_MIGRATION_URL", "postgresql://app:canary@db:0/tasks"),
        ("TASKLEDGER_REDIS_URL", "redis://:canary@cache:65536/0"),
        ("TASKLEDGER_BROKER_URL", "redis://:canary@broker:port/0"),
        ("TASKLEDGER_MAIL_URL", "smtp://app:canary@mail:65536"),
        ("TASKLEDGER_JWT_KEY", "canary"),
        ("TASKLEDGER_JWT_PREVIOUS_KEY", "canary"),
        ("TASKLEDGER_ENVIRONMENT", "canary"),
        ("TASKLEDGER_REGISTRATION", "canary"),
        ("TASKLEDGER_BROKER_URL", "amqp://canary"),
        ("TASKLEDGER_LOG_LEVEL", "canary"),
        ("TASKLEDGER_TRUSTED_PROXIES", "10.0.0.1,canary"),
        ("TASKLEDGER_METRICS_PORT", "canary"),
        ("TASKLEDGER_HOSTS", "*"),
        ("TASKLEDGER_HOSTS", "https://canary.example.com"),
        ("TASKLEDGER_HOSTS", "canary.example.com:443"),
        ("TASKLEDGER_CORS_ORIGINS", "*"),
        ("TASKLEDGER_CORS_ORIGINS", "null"),
        ("TASKLEDGER_CORS_ORIGINS", "canary.example.com"),
        ("TASKLEDGER_CORS_ORIGINS", "https://*.canary.example.com"),
        ("TASKLEDGER_CORS_ORIGINS", "https://canary.example.com/"),
        ("TASKLEDGER_CORS_ORIGINS", "https://a.example.com https://canary.example.com"),
        ("TASKLEDGER_CORS_ORIGINS", "https://a.example.com,https://Canary.example.com"),
        ("TASKLEDGER_METRICS_PORT", "65536"),
    ],
)
def test_an_invalid_value_is_reported_by_variable_and_not_echoed(variable: str, value: str) -> None:
    with pytest.raises(OperatorError, match=variable) as refusal:
        settings.from_environment({variable: value})
    assert "canary" not in str(refusal.value)


def test_metrics_have_an_address_only_if_a_port_is_set() -> None:
    assert settings.metrics_address({}) is None
    assert settings.metrics_address({"TASKLEDGER_METRICS_HOST": "::1"}) is None
    assert settings.metrics_address({"TASKLEDGER_METRICS_PORT": "9000"}) == ("127.0.0.1", 9000)
    both = {"TASKLEDGER_METRICS_PORT": "0", "TASKLEDGER_METRICS_HOST": "::1"}
    assert settings.metrics_address(both) == ("::1", 0)


def test_a_secret_may_be_read_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(f"{KEY}\n")
    assert settings.from_environment({"TASKLEDGER_JWT_KEY_FILE": str(tmp_path / "key")}) == {"jwt_key": KEY}


def test_a_secret_given_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match="both set"):
        settings.from_environment({"TASKLEDGER_JWT_KEY": KEY, "TASKLEDGER_JWT_KEY_FILE": str(tmp_path)})


def test_a_missing_secret_file_is_reported_by_variable(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match="TASKLEDGER_JWT_KEY_FILE"):
        settings.from_environment({"TASKLEDGER_JWT_KEY_FILE": str(tmp_path / "none")})


def test_an_empty_variable_is_an_unset_one() -> None:
    assert settings.from_environment({"TASKLEDGER_LOG_LEVEL": "", "TASKLEDGER_PORT": "tcp://10.0.0.1:80"}) == {}


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("TASKLEDGER_DATABASE_URL", "postgresql://app:secret@db:65535,other:5432/tasks"),
        ("TASKLEDGER_DATABASE_URL", "postgresql:///tasks?host=/run/postgresql"),
        ("TASKLEDGER_REDIS_URL", "unix:///run/valkey.sock"),
        ("TASKLEDGER_MAIL_URL", "smtp://mail"),
        ("TASKLEDGER_METRICS_PORT", "65535"),
    ],
)
def test_urls_with_any_port_that_exists_are_accepted(variable: str, value: str) -> None:
    assert settings.from_environment({variable: value}) == {variable.removeprefix("TASKLEDGER_").lower(): value}


def test_attachments_are_in_the_instance_unless_another_place_is_named(
    tmp_path: Path, environment: pytest.MonkeyPatch
) -> None:
    for name, value in SERVERS.items():
        environment.setenv(name, value)
    assert settings.resolve(tmp_path).blobs == str(tmp_path / "blobs")
    for place in ("/srv/files", "s3://bucket", "s3://bucket/prefix/"):
        environment.setenv("TASKLEDGER_BLOBS", place)
        assert settings.resolve(tmp_path).blobs == place
    for place in ("files", "s3://", "http://bucket"):
        environment.setenv("TASKLEDGER_BLOBS", place)
        with pytest.raises(OperatorError, match="TASKLEDGER_BLOBS must be an absolute path"):
            settings.resolve(tmp_path)
