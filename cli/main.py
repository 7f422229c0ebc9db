"""The command line: `taskledger`, with a command from each sibling module that defines one."""

import os
import sys
from importlib.metadata import version

import click

from cli.command_group import CommandGroup
from infra.errors import OperatorError
from infra.terminal_text import escape

OPERATOR_ERROR_EXIT_CODE = 2
INTERRUPTED_EXIT_CODE = 130


@click.command(
    cls=CommandGroup,
    package="cli",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(version("taskledger"), prog_name="taskledger", message="%(prog)s %(version)s")
def taskledger() -> None:
    """A task backend that never loses an edit and never forgets.

    Start an instance with `taskledger serve`; it includes PostgreSQL and Valkey. Every other command finds it by
    the same --data folder, or connects to your own servers, named by TASKLEDGER_DATABASE_URL,
    TASKLEDGER_REDIS_URL and TASKLEDGER_BROKER_URL.
    """


def main() -> None:
    """Runs the command line; exits with 2 for an operator's mistake, 130 for Ctrl-C, else the command's own code."""
    try:
        sys.exit(taskledger.main(prog_name="taskledger", standalone_mode=False))
    except OperatorError as mistake:
        click.echo(escape(f"taskledger: {mistake}"), err=True)  # noqa: TID251 - escaped, without an import of cli.output
        sys.exit(OPERATOR_ERROR_EXIT_CODE)
    except click.ClickException as misuse:
        misuse.show()
        sys.exit(misuse.exit_code)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(INTERRUPTED_EXIT_CODE)
    except BrokenPipeError:  # `taskledger events | head`: the reader closed the pipe
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)


if __name__ == "__main__":
    main()
