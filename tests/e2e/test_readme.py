"""The commands of the README, run in order, print what it shows."""

import os
import re
import shutil
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from tests.e2e.running_instance import poll_until, running_instance

pytestmark = pytest.mark.slow

README = Path(__file__).parents[2] / "README.md"
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_BETWEEN = "--- next block ---\n"
_DIFFERS = [
    (r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}", "ID"),
    (r'"trace_id": "[0-9a-f]{32}"', "TRACE"),
    (r'"rank": "[^"]+"', "RANK"),
    (r"\d+\.\d s, [\d,]+/s", "TIME"),
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", "TIME"),
]
"""Parts that differ from run to run."""


@pytest.mark.skipif(not shutil.which("curl"), reason="the README's commands need curl")
def test_the_readme_shows_what_its_commands_print(tmp_path: Path) -> None:
    blocks = _BLOCK.findall(README.read_text())
    commands = [text for language, text in blocks if language == "sh"]
    shown = [after for (language, _), (_, after) in pairwise(blocks) if language == "sh"]
    with running_instance(tmp_path / "data", "--demo") as instance:
        poll_until(lambda: "Demo login" in instance.log())
        printed = run_blocks(commands, instance.address, instance.data)
    # The first block is preparation; the README does not show its output.
    assert len(commands) >= 4
    assert [without_varying_parts(text) for text in printed[1:]] == [without_varying_parts(text) for text in shown[1:]]


def run_blocks(commands: list[str], address: str, data: Path) -> list[str]:
    """The output of each block, run in one shell against this instance."""
    script = f"echo '{_BETWEEN.strip()}'\n".join(commands).replace("http://127.0.0.1:8000", address)
    program = str(Path(sys.executable).parent / "taskledger")
    shell = subprocess.run(
        ["/bin/sh"],
        input=script.replace(".venv/bin/taskledger", program),
        cwd=data.parent,
        env=os.environ | {"TASKLEDGER_DATA": str(data)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert not shell.stderr, shell.stderr
    return shell.stdout.split(_BETWEEN)


def without_varying_parts(text: str) -> str:
    """The text with the parts that differ from run to run replaced."""
    for pattern, name in _DIFFERS:
        text = re.sub(pattern, name, text)
    return text.strip()
