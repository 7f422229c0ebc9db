"""Commands import only what they need: an import is most of the time that a short command takes."""

import subprocess
import sys

import pytest

HEAVY_MODULES = (
    *("commands", "dramatiq", "eventsourcing", "idna", "litestar", "loguru", "psycopg_pool", "redis", "regex", "rich"),
    *("snowballstemmer", "uvicorn", "yoyo"),
)
NEEDED_MODULES = {
    "cli.projections": set[str](),
    "cli.projections.rebuild": set[str](),
    "cli.doctor": {"redis", "loguru"},
    "cli.migrate": {"yoyo", "loguru"},
    "cli.serve": {"loguru"},
}
"""The heavy modules that a command does need: of `serve`, to log; of `doctor`, to ask the Redis servers."""


def heavy_imports(module: str) -> set[str]:
    code = f"import sys, {module}; print(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split()) & set(HEAVY_MODULES)


@pytest.mark.parametrize("module", NEEDED_MODULES)
def test_a_command_imports_only_what_it_needs(module: str) -> None:
    assert heavy_imports(module) <= NEEDED_MODULES[module]


def test_heavy_imports_are_noticed() -> None:
    assert {"redis", "dramatiq", "litestar", "commands"} <= heavy_imports("cli.api")
