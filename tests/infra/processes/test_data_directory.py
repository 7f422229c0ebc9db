"""The data directory: one holder, private secrets, and a recorded run that is alive or not."""

import os
from pathlib import Path

import msgspec
import pytest

from infra.errors import OperatorError
from infra.processes import data_directory
from infra.processes.child import spawn
from infra.processes.pids import current_process


def own_run() -> data_directory.RunInfo:
    me = current_process()
    url = "redis://127.0.0.1:1"
    address, database, owner = "http://127.0.0.1:8000", "postgresql://app@127.0.0.1:1", "postgresql://owner@127.0.0.1:1"
    return data_directory.RunInfo(me.pid, me.started, address, database, url, url, owner)


def file_mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_a_locked_directory_names_its_holder(tmp_path: Path) -> None:
    with (
        data_directory.exclusive_lock(tmp_path),
        pytest.raises(OperatorError, match=f"in use by process {os.getpid()}"),
    ):
        data_directory.exclusive_lock(tmp_path).__enter__()


def test_a_released_directory_can_be_locked_again(tmp_path: Path) -> None:
    with data_directory.exclusive_lock(tmp_path):
        pass
    with data_directory.exclusive_lock(tmp_path):
        assert (tmp_path / "lock").read_text() == f"{os.getpid()}\n"


def test_a_directory_of_a_newer_taskledger_is_refused(tmp_path: Path) -> None:
    (tmp_path / "format").write_text(f"{data_directory.DATA_FORMAT_VERSION + 1}\n")
    with pytest.raises(OperatorError, match="newer Taskledger"):
        data_directory.exclusive_lock(tmp_path).__enter__()


def test_a_file_instead_of_the_directory_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OperatorError, match="Choose another folder"):
        data_directory.exclusive_lock(tmp_path / "file").__enter__()


@pytest.mark.parametrize("content", [b"", b"\n", b"\0" * 64, b"\xff\xfe" * 32, b'two words " #'])
@pytest.mark.parametrize("name", data_directory.SECRET_NAMES)
def test_secrets_that_a_crash_broke_are_made_again(content: bytes, name: str, tmp_path: Path) -> None:
    data_directory.ensure_secrets(tmp_path)
    (tmp_path / "secrets" / name).write_bytes(content)
    data_directory.ensure_secrets(tmp_path)
    assert len(bytes.fromhex(data_directory.read_secret(tmp_path, name))) == 32


def test_a_key_of_the_operators_own_stays(tmp_path: Path) -> None:
    data_directory.ensure_secrets(tmp_path)
    key = "$ecret/of=the+operator's:own%choice!"
    (tmp_path / "secrets" / "jwt-key").write_text(f"{key}\n")
    data_directory.ensure_secrets(tmp_path)
    assert data_directory.read_secret(tmp_path, "jwt-key") == key


@pytest.mark.parametrize("content", [b"", b"\xff\xfe"])
def test_a_damaged_format_is_refused_in_one_line(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "format").write_bytes(content)
    with pytest.raises(OperatorError, match="restore it from a backup"):
        data_directory.exclusive_lock(tmp_path).__enter__()


def test_a_damaged_lock_file_is_still_a_lock(tmp_path: Path) -> None:
    with data_directory.exclusive_lock(tmp_path):
        (tmp_path / "lock").write_bytes(b"\xff\xfe")
        with pytest.raises(OperatorError, match="in use"):
            data_directory.exclusive_lock(tmp_path).__enter__()


@pytest.mark.parametrize("content", [b"", b"\xff\xfe"])
def test_a_damaged_password_of_existing_data_is_refused(content: bytes, tmp_path: Path) -> None:
    data_directory.ensure_secrets(tmp_path)
    (tmp_path / "postgres").mkdir()
    (tmp_path / "secrets" / "postgres-password").write_bytes(content)
    with pytest.raises(OperatorError, match="restore it from a backup"):
        data_directory.ensure_secrets(tmp_path)


def test_a_garbled_secret_is_refused_in_one_line(tmp_path: Path) -> None:
    data_directory.ensure_secrets(tmp_path)
    (tmp_path / "secrets" / "jwt-key").write_bytes(b"\xff\xfe")
    with pytest.raises(OperatorError, match=r"jwt-key is damaged: restore it"):
        data_directory.read_secret(tmp_path, "jwt-key")


def test_secrets_are_private_and_stay_as_they_are(tmp_path: Path) -> None:
    data_directory.ensure_secrets(tmp_path)
    first = [data_directory.read_secret(tmp_path, name) for name in data_directory.SECRET_NAMES]
    data_directory.ensure_secrets(tmp_path)
    assert [data_directory.read_secret(tmp_path, name) for name in data_directory.SECRET_NAMES] == first
    assert len(set(first)) == len(first)
    assert len(bytes.fromhex(data_directory.read_secret(tmp_path, "jwt-key"))) == 32
    assert file_mode(tmp_path / "secrets") == 0o700
    assert {file_mode(tmp_path / "secrets" / name) for name in data_directory.SECRET_NAMES} == {0o600}


def test_a_lost_password_is_not_regenerated(tmp_path: Path) -> None:
    (tmp_path / "postgres").mkdir()
    with pytest.raises(OperatorError, match="restore it from a backup"):
        data_directory.ensure_secrets(tmp_path)


def test_a_run_is_found_while_it_lives_and_only_by_its_owner(tmp_path: Path) -> None:
    data_directory.write_run_info(tmp_path, own_run())
    assert data_directory.find_running(tmp_path) == own_run()
    assert file_mode(tmp_path / "run.json") == 0o600
    data_directory.remove_run_info(tmp_path)
    assert data_directory.find_running(tmp_path) is None


def test_a_run_that_was_killed_is_not_running(tmp_path: Path) -> None:
    child = spawn(["true"])
    child.wait()
    data_directory.write_run_info(tmp_path, msgspec.structs.replace(own_run(), pid=child.pid))
    assert data_directory.find_running(tmp_path) is None


def test_a_reused_pid_is_not_taken_for_the_run(tmp_path: Path) -> None:
    data_directory.write_run_info(tmp_path, msgspec.structs.replace(own_run(), started="before"))
    assert data_directory.find_running(tmp_path) is None
    assert data_directory.read_run_info(tmp_path) is not None
