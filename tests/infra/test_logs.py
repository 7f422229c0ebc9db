"""The log in production: one small JSON object a line, whatever logs and whatever it says."""

import json
import subprocess
import sys
from typing import Any

import pytest

PLANTED = "milk \u202e\n\x1b[2J \U0001f95b"
SCRIPT = f"""
import logging
from infra import logs
logs.configure("info", {{environment!r}})
secret = "s3cret-canary"
logs.logger.warning("name {{{{}}}}", {PLANTED!r})
logging.getLogger("uvicorn.error").warning("a library")
try:
    int(secret[:0])
except ValueError as error:
    logs.logger.opt(exception=error).error("unexpected")
"""


def log_of(environment: str) -> str:
    """What a process of this environment logs."""
    argv = [sys.executable, "-P", "-c", SCRIPT.format(environment=environment)]
    return subprocess.run(argv, capture_output=True, text=True, timeout=60, check=True).stderr


@pytest.fixture(scope="module")
def lines() -> list[dict[str, Any]]:
    return [json.loads(line) for line in log_of("production").splitlines()]


def test_a_line_of_production_has_five_members_at_most(lines: list[dict[str, Any]]) -> None:
    members = {"time", "level", "logger", "message"}
    assert [set(line) for line in lines] == [members, members, members | {"exception"}]
    assert [line["level"] for line in lines] == ["WARNING", "WARNING", "ERROR"]
    assert [line["logger"] for line in lines] == ["__main__", "uvicorn.error", "__main__"]
    assert all(line["time"].endswith("+00:00") for line in lines)


def test_a_line_of_production_is_ascii_and_its_text_can_do_no_harm(lines: list[dict[str, Any]]) -> None:
    assert log_of("production").isascii()
    assert "\n" not in lines[0]["message"]
    assert "milk" in lines[0]["message"]


def test_an_exception_has_its_traceback_without_values(lines: list[dict[str, Any]]) -> None:
    exception = lines[2]["exception"]
    assert exception.startswith("Traceback (most recent call last):\n")
    assert exception.endswith("ValueError: invalid literal for int() with base 10: ''")
    assert "s3cret-canary" not in exception


def test_lines_of_development_are_text() -> None:
    warning, library, *_ = log_of("development").splitlines()
    assert warning.endswith("__main__: name milk \\u202e\\u000a\\u001b[2J \U0001f95b")
    assert library.endswith("WARNING uvicorn.error: a library")
