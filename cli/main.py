"""The command line: `taskledger`, with a command from each sibling module that defines one."""

import ast
import importlib
import os
import pkgutil
import sys
from importlib.metadata import version
from pathlib import Path

import click

import cli
from infra.errors import OperatorError
from infra.terminal_text import escape

OPERATOR_ERROR_EXIT_CODE = 2
INTERRUPTED_EXIT_CODE = 130


class CommandGroup(click.Group):
    """Every module of the package that defines `command`: imported when run, only parsed when listed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names as typed: `import_` is `import`, `dead_letters` would be `dead-letters`."""
        del ctx
        return sorted(_command_modules())

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, or None if no command has that name."""
        del ctx
        module = _command_modules().get(cmd_name)
        if module is None:
            return None
        command: click.Command = importlib.import_module(f"cli.{module}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list in `--help`, read from docstrings without importing the commands."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, _summary(module)) for name, module in sorted(_command_modules().items())])


@click.command(cls=CommandGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
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


def _command_modules() -> dict[str, str]:
    names = [module.name for module in pkgutil.iter_modules(cli.__path__)]
    return {name.removesuffix("_").replace("_", "-"): name for name in names if _defines_command(_parse_module(name))}


def _parse_module(module: str) -> ast.Module:
    path = Path(cli.__path__[0]) / module
    return ast.parse((path / "__init__.py" if path.is_dir() else path.with_suffix(".py")).read_text())


def _defines_command(syntax: ast.Module) -> bool:
    return any("command" in _defined_names(statement) for statement in syntax.body)


def _defined_names(statement: ast.stmt) -> list[str]:
    match statement:
        case ast.FunctionDef(name=name):
            return [name]
        case ast.Assign(targets=targets):
            return [target.id for target in targets if isinstance(target, ast.Name)]
        case ast.AnnAssign(target=ast.Name(id=name)):
            return [name]
        case ast.ImportFrom(names=aliases):
            return [alias.asname or alias.name for alias in aliases]
    return []


def _summary(module: str) -> str:
    """The first paragraph of the command's docstring, or of its module's if it has none."""
    syntax = _parse_module(module)
    functions = [found for found in syntax.body if isinstance(found, ast.FunctionDef) and found.name == "command"]
    text = ast.get_docstring(functions[0]) if functions else ast.get_docstring(syntax)
    return " ".join((text or "").partition("\n\n")[0].split())


if __name__ == "__main__":
    main()
