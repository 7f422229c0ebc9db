"""Fuzzing with schemathesis: requests generated from the OpenAPI document, and the checks on responses."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx

from tests.api_user import PASSWORD

IS_FULL_RUN = "TASKLEDGER_TEST_FUZZ" in os.environ
MAX_EXAMPLES = os.environ.get("TASKLEDGER_TEST_FUZZ", "2")
SEED = os.environ.get("TASKLEDGER_TEST_SEED", "20261121")
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
)
"""Not checked: that valid data are accepted and others refused. Rules, versions and used keys are in no schema, and
msgspec accepts some forms of a number or time that a schema does not."""
CONFIG = '[checks.not_a_server_error]\nexpected-statuses = ["2xx", "3xx", "4xx", 503]\n'
"""503 is a described answer, checked for its `Retry-After`; it is not a server error here."""


EXCLUDED_OPERATION = "revoke_token"
"""Excluded: it would revoke the token of the fuzzer itself."""


def administrator_token(address: str) -> str:
    """A personal token of the administrator: logging out does not end it."""
    person, auth = {"email": "ann@example.com", "password": PASSWORD}, f"{address}/api/v1/auth"
    httpx.post(f"{auth}/register", json={**person, "name": "Ann"}).raise_for_status()
    session = {"Authorization": f"Bearer {httpx.post(f'{auth}/login', json=person).json()['access_token']}"}
    made = httpx.post(f"{auth}/tokens", json={"name": "Generated", "scopes": ["admin"]}, headers=session)
    return str(made.json()["token"])


def fuzz(address: str, token: str, folder: Path, phases: str, *options: str) -> None:
    """Send requests to every operation; assert that every response is described."""
    described = httpx.get(f"{address}/openapi.json", timeout=60).json()
    (folder / "schemathesis.toml").write_text(CONFIG)
    (folder / "openapi.json").write_text(json.dumps(_without_lookaheads(described)))
    argv = [sys.executable, "-m", "schemathesis.cli", "run", "openapi.json", "--url", address, "--no-color"]
    argv += ["--header", f"Authorization: Bearer {token}", "--checks", ",".join(CHECKS), "--phases", phases]
    argv += ["--seed", SEED, "--max-examples", MAX_EXAMPLES, "--exclude-operation-id", EXCLUDED_OPERATION, *options]
    done = subprocess.run(argv, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"seed {SEED}\n{done.stdout[-6000:]}{done.stderr[-2000:]}"
    passed = re.search(r"([0-9]+) generated, ([0-9]+) passed", done.stdout)
    assert passed, done.stdout
    me = httpx.get(f"{address}/api/v1/auth/me", headers={"Authorization": f"Bearer {token}"})
    assert me.is_success, "the token is no longer valid at the end"
    sys.stdout.write(f"seed {SEED}: {passed[0]}\n")


def _without_lookaheads(node: Any) -> Any:
    """The OpenAPI document without lookahead patterns: generating texts for them takes minutes."""
    if isinstance(node, list):
        return [_without_lookaheads(one) for one in node]
    if not isinstance(node, dict):
        return node
    return {
        key: _without_lookaheads(value) for key, value in node.items() if key != "pattern" or "(?" not in str(value)
    }
