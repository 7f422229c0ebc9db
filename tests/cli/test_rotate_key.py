"""`taskledger rotate-key` makes a new key for access tokens and keeps the old one, unless it has leaked."""

import os
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cli.main import taskledger
from infra import settings
from infra.errors import OperatorError
from infra.processes import data_directory
from tests.infra.processes.test_data_directory import file_mode, own_run


@pytest.fixture
def instance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of an instance that runs."""
    for name in ("TASKLEDGER_JWT_KEY", "TASKLEDGER_JWT_PREVIOUS_KEY"):
        monkeypatch.delenv(name, raising=False)
    data_directory.ensure_secrets(tmp_path)
    data_directory.write_run_info(tmp_path, own_run())
    return tmp_path


def rotate(instance: Path, *options: str, **environment: str) -> Result:
    return CliRunner().invoke(taskledger, ["rotate-key", "--data", str(instance), *options], env=environment)


def keys(instance: Path) -> tuple[str, ...]:
    return settings.resolve(instance, needs_signing_key=True).jwt_keys


def test_a_rotated_key_signs_and_the_old_one_still_verifies(instance: Path) -> None:
    (first,) = keys(instance)
    result = rotate(instance)
    assert (result.exit_code, "Restart Taskledger now" in result.output) == (0, True), result.output
    second, previous = keys(instance)
    assert (len(second), previous) == (64, first)
    assert second != first
    assert file_mode(instance / "secrets" / "jwt-key.previous") == file_mode(instance / "secrets" / "jwt-key") == 0o600
    assert not any(key in result.output for key in (first, second))


def test_a_second_rotation_within_an_hour_is_refused(instance: Path) -> None:
    rotate(instance)
    before = keys(instance)
    assert "minutes ago" in str(rotate(instance).exception)
    assert keys(instance) == before
    assert rotate(instance, "--discard-old").exit_code == 0


def test_a_second_rotation_forgets_the_first_key(instance: Path) -> None:
    (first,) = keys(instance)
    rotate(instance)
    os.utime(instance / "secrets" / "jwt-key.previous", (0, 0))
    rotate(instance)
    assert first not in keys(instance)
    assert len(keys(instance)) == 2


def test_a_leaked_key_is_not_kept(instance: Path) -> None:
    (first,) = keys(instance)
    rotate(instance)
    assert rotate(instance, "--discard-old").exit_code == 0
    (only,) = keys(instance)
    assert only != first


def test_a_key_of_the_environment_is_rotated_there(instance: Path) -> None:
    before = keys(instance)
    result = rotate(instance, TASKLEDGER_JWT_KEY="k" * 32)
    assert isinstance(result.exception, OperatorError)
    assert "TASKLEDGER_JWT_PREVIOUS_KEY" in str(result.exception)
    assert keys(instance) == before


def test_a_folder_without_an_instance_has_no_key_to_rotate(tmp_path: Path) -> None:
    result = rotate(tmp_path)
    assert isinstance(result.exception, OperatorError)
    assert "There is no key" in str(result.exception)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"short\n", b"\xff\xfe"])
def test_a_damaged_previous_key_is_reported_in_one_line(instance: Path, content: bytes) -> None:
    rotate(instance)
    (instance / "secrets" / "jwt-key.previous").write_bytes(content)
    with pytest.raises(OperatorError, match=r"jwt-key\.previous") as error:
        keys(instance)
    assert "\n" not in str(error.value)


def test_keys_of_the_environment_are_used_without_those_of_the_instance(
    instance: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rotate(instance)
    monkeypatch.setenv("TASKLEDGER_JWT_KEY", "k" * 32)
    assert keys(instance) == ("k" * 32,)
    monkeypatch.setenv("TASKLEDGER_JWT_PREVIOUS_KEY", "p" * 32)
    assert keys(instance) == ("k" * 32, "p" * 32)
