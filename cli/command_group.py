"""A group with a command in each module of a package: imported when run, only parsed when listed."""

import ast
import pkgutil
import sys
from importlib import import_module
from pathlib import Path

import click


class CommandGroup(click.Group):
    """The modules of `package` that define `command`."""

    def __init__(self, *, package: str, **settings: object) -> None:
        super().__init__(**settings)  # type: ignore[arg-type] # click's own settings
        self._package = package

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names as typed: `import_` is `import`, `dead_letters` would be `dead-letters`."""
        del ctx
        return sorted(name for name, module in self._modules().items() if _defines_command(self._parse(module)))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, or None if no command has that name."""
        del ctx
        module = self._modules().get(cmd_name)
        if module is None or not _defines_command(self._parse(module)):
            return None
        command: click.Command = import_module(f"{self._package}.{module}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list in `--help`, read from docstrings without importing the commands."""
        modules = self._modules()
        with formatter.section("Commands"):
            formatter.write_dl([(name, _summary(self._parse(modules[name]))) for name in self.list_commands(ctx)])

    def _modules(self) -> dict[str, str]:
        """The modules of the package, by their names as typed."""
        names = [module.name for module in pkgutil.iter_modules(sys.modules[self._package].__path__)]
        return {name.removesuffix("_").replace("_", "-"): name for name in names}

    def _parse(self, module: str) -> ast.Module:
        path = Path(sys.modules[self._package].__path__[0]) / module
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


def _summary(syntax: ast.Module) -> str:
    """The first paragraph of the command's docstring, or of its module's if it has none."""
    functions = [found for found in syntax.body if isinstance(found, ast.FunctionDef) and found.name == "command"]
    text = ast.get_docstring(functions[0]) if functions else ast.get_docstring(syntax)
    return " ".join((text or "").partition("\n\n")[0].split())
