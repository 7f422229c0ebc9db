"""Subcommands of `serve`: their output stays apart from their log."""

import subprocess
import sys

PRINT_VERSION = "from cli.subcommand_process import spawn_taskledger; spawn_taskledger([{!r}]).wait()"


def run_through_serve(argument: str) -> tuple[str, str]:
    """What a subcommand with this argument writes to the output and to the errors of its parent."""
    argv = [sys.executable, "-P", "-c", PRINT_VERSION.format(argument)]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=True)
    return done.stdout, done.stderr


def test_the_output_of_a_subcommand_is_not_mixed_with_its_log() -> None:
    output, errors = run_through_serve("--version")
    assert (output.split()[0], errors) == ("taskledger", "")
    output, errors = run_through_serve("srve")
    assert (output, "No such command" in errors) == ("", True)
