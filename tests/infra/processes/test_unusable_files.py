"""Unusable files: each kind of error about one says what to do, and errors about others pass."""

from pathlib import Path

import pytest

from infra.errors import OperatorError
from infra.processes.unusable_files import operator_errors


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        (PermissionError(13, "Permission denied"), "start Taskledger as its owner"),
        (OSError(5, "Input/output error"), r"cannot be used \(Input/output error\): restore it"),
        (FileNotFoundError(2, "No such file or directory"), "restore it from a backup"),
    ],
)
def test_an_error_about_a_file_of_the_data_says_what_to_do(tmp_path: Path, error: OSError, advice: str) -> None:
    error.filename = str(tmp_path / "secrets" / "jwt-key")
    with pytest.raises(OperatorError, match=rf"{tmp_path}/secrets/jwt-key .*{advice}"), operator_errors(tmp_path):
        raise error


@pytest.mark.parametrize("name", ["/etc/passwd", None])
def test_an_error_about_anything_else_passes(tmp_path: Path, name: str | None) -> None:
    error = PermissionError(13, "Permission denied", name)
    with pytest.raises(PermissionError) as raised, operator_errors(tmp_path):
        raise error
    assert raised.value is error
