"""The command line: `taskledger` and the commands found in the modules beside this one."""

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

OPERATOR_ERROR_EXIT_CODE = 2
INTERRUPTED_EXIT_CODE = 130


class CommandGroup(click.Group):
    """Each module of the package that defines `command`; imported when called, only read when listed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """`import_` is called `import`, `dead_letters` would be `dead-letters`."""
        del ctx
        return sorted(_command_modules())

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, or None when there is none of that name."""
        del ctx
        module = _command_modules().get(cmd_name)
        if module is None:
            return None
        command: click.Command = importlib.import_module(f"cli.{module}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list in `--help`, without importing a server to learn what its command says of itself."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, _summary(module)) for name, module in sorted(_command_modules().items())])


@click.command(cls=CommandGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(version("taskledger"), prog_name="taskledger", message="%(prog)s %(version)s")
def taskledger() -> None:
    """A task backend that never loses an edit and never forgets.

    Start one with `taskledger serve`; it brings its own PostgreSQL and Valkey. Every other command finds it by
    the same --data folder, or finds your own servers by TASKLEDGER_DATABASE_URL, _REDIS_URL and _BROKER_URL.
    """


def main() -> None:
    """Exit codes: 2 for an operator's mistake, 130 for Ctrl-C, what the command says otherwise."""
    try:
        sys.exit(taskledger.main(prog_name="taskledger", standalone_mode=False))
    except OperatorError as mistake:
        click.echo(f"taskledger: {mistake}", err=True)
        sys.exit(OPERATOR_ERROR_EXIT_CODE)
    except click.ClickException as misuse:
        misuse.show()
        sys.exit(misuse.exit_code)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(INTERRUPTED_EXIT_CODE)
    except BrokenPipeError:  # `taskledger events | head`: the reader has seen enough
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
    """The first paragraph of the command's docstring, else of its module's."""
    syntax = _parse_module(module)
    functions = [found for found in syntax.body if isinstance(found, ast.FunctionDef) and found.name == "command"]
    text = ast.get_docstring(functions[0]) if functions else ast.get_docstring(syntax)
    return " ".join((text or "").partition("\n\n")[0].split())


if __name__ == "__main__":
    main()
