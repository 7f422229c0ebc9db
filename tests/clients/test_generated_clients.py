"""Generated clients: a Python and two TypeScript ones are made from the description, compile, and work on a server.

Each spends the same day: register, log in, a project and a task, a dry run, a conflict, a rebase, batches, a list by
pages, a history.
"""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from infra.settings import Settings
from scripts.openapi import OPENAPI_FILE
from tests.api.app_server import app_server
from tests.clients import node_packages
from tests.clients.node_packages import run
from tests.law import planted_defect

pytestmark = pytest.mark.slow

PATIENCE_S = 60
"""For a server on a busy machine, which builds the description first."""
EVENTS_OF_THE_DAY = {"7 events"}
"""The history of the one task: created, renamed, changed once more, completed, reopened, and moved by both."""


@pytest.fixture
def address(settings: Settings) -> Iterator[str]:
    with app_server(settings) as served:
        yield served


@pytest.fixture
def workshop(tmp_path: Path) -> Path:
    """A folder with the sources of the clients and the packages that they need."""
    node_packages.require()
    for source in ("package.json", "tsconfig.json"):
        shutil.copy(node_packages.FOLDER / source, tmp_path)
    (tmp_path / "node_modules").symlink_to(node_packages.PACKAGES)
    return tmp_path


def save_description(address: str, folder: Path) -> None:
    """The description as a server gives it, as openapi.json."""
    description = httpx.get(f"{address}/openapi.json", timeout=PATIENCE_S).raise_for_status().content
    (folder / "openapi.json").write_bytes(description)


def save_faulty_description(folder: Path, spoil: Callable[[dict[str, Any]], None]) -> None:
    description = json.loads(OPENAPI_FILE.read_bytes())
    spoil(description["components"]["schemas"])
    (folder / "openapi.json").write_text(json.dumps(description))


def make_python_client(folder: Path) -> None:
    run(
        *("openapi-python-client", "generate", "--path", "openapi.json", "--output-path", "taskledger_client"),
        *("--meta", "none", "--fail-on-warning"),
        folder=folder,
    )
    shutil.copy(node_packages.FOLDER / "python_client.py", folder)


def make_openapi_fetch_client(folder: Path) -> None:
    run("openapi-typescript", "openapi.json", "--output", "openapi_fetch/schema.ts", folder=folder)
    compile_typescript("openapi_fetch_client.ts", folder)


def make_hey_api_client(folder: Path) -> None:
    run("openapi-ts", "--input", "openapi.json", "--output", "hey_api", "--no-log-file", folder=folder)
    compile_typescript("hey_api_client.ts", folder)


def compile_typescript(source: str, folder: Path) -> None:
    shutil.copy(node_packages.FOLDER / source, folder)
    run("tsc", "--project", ".", folder=folder)


def test_a_python_client_works(address: str, workshop: Path) -> None:
    save_description(address, workshop)
    make_python_client(workshop)
    run("mypy", "--strict", "--config-file=", "--follow-imports=silent", "python_client.py", folder=workshop)
    assert run("python", "python_client.py", address, folder=workshop).strip() in EVENTS_OF_THE_DAY


@pytest.mark.parametrize(
    ("make", "program"),
    [(make_openapi_fetch_client, "openapi_fetch_client.js"), (make_hey_api_client, "hey_api_client.js")],
    ids=["openapi-fetch", "hey-api"],
)
def test_a_typescript_client_works(address: str, workshop: Path, make: Callable[[Path], None], program: str) -> None:
    save_description(address, workshop)
    make(workshop)
    assert run("node", f"built/{program}", address, folder=workshop).strip() in EVENTS_OF_THE_DAY


def test_the_description_passes_redocly_without_a_warning(workshop: Path) -> None:
    report = run("redocly", "lint", str(OPENAPI_FILE), folder=workshop)
    assert "Your API description is valid" in report
    assert "warning" not in report, report


def test_a_schema_that_ends_the_generation_is_noticed(workshop: Path) -> None:
    def spoil(schemas: dict[str, Any]) -> None:
        schemas["HistoryItem"]["properties"]["changes"]["additionalProperties"]["items"] = False

    save_faulty_description(workshop, spoil)
    with planted_defect(), pytest.raises(AssertionError, match="client was not created"):
        make_python_client(workshop)


def test_a_default_that_makes_a_member_required_is_noticed(workshop: Path) -> None:
    def spoil(schemas: dict[str, Any]) -> None:
        schemas["CreateTask"]["properties"]["due"]["default"] = None

    save_faulty_description(workshop, spoil)
    with planted_defect(), pytest.raises(AssertionError, match="'due' is missing"):
        make_openapi_fetch_client(workshop)
