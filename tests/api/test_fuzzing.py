"""Fuzzing: requests that match the OpenAPI document, or barely do not, get only responses that it describes.

`TASKLEDGER_TEST_FUZZ=50` in the environment sends that many requests to each operation, and every boundary value.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from api import queries
from api.http import prefer
from infra.settings import Settings
from tests.api import fuzzing
from tests.api.app_server import app_server

pytestmark = pytest.mark.slow

SHORT_TIMEOUT_S = 0.02
"""Fuzzed requests often wait for positions in the far future."""


@pytest.fixture
def server_address(isolated_settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setattr(prefer, "DEFAULT_WAIT_S", SHORT_TIMEOUT_S)
    monkeypatch.setattr(prefer, "MAX_WAIT_S", SHORT_TIMEOUT_S)
    with app_server(isolated_settings) as address:
        yield address


def test_every_response_to_a_fuzzed_request_is_described(server_address: str, tmp_path: Path) -> None:
    phases = "examples,coverage,fuzzing,stateful" if fuzzing.IS_FULL_RUN else "examples,fuzzing,stateful"
    fuzzing.fuzz(server_address, fuzzing.administrator_token(server_address), tmp_path, phases, "--no-shrink")


def test_a_planted_server_error_is_noticed(
    server_address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def careless(text: str) -> bool:
        raise ValueError(text)

    monkeypatch.setattr(queries, "is_task_key", careless)
    with pytest.raises(AssertionError, match="Server error"):
        fuzzing.fuzz(
            server_address,
            fuzzing.administrator_token(server_address),
            tmp_path,
            "examples",
            "--include-operation-id",
            "show_task",
        )
