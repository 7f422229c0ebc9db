"""Renders the reference page as Markdown."""

import typing
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import msgspec
from msgspec import Struct
from msgspec.structs import FieldInfo

from commands import permissions
from commands.field_error_codes import MEMBER_ERRORS, PARAMETER_ERRORS
from domain.upcasts import UPCASTS
from infra.settings import ENVIRONMENT_PREFIX, Settings
from scripts.reference import inventory, type_descriptions

REFERENCE_FILE = Path(__file__).parents[2] / "docs" / "reference.md"


def render_reference() -> str:
    """The contents of docs/reference.md."""
    return "\n".join([*_introduction(), *_events(), *_commands(), *_routes(), *_errors(), *_settings()]) + "\n"


def _introduction() -> Iterator[str]:
    yield "# Reference"
    yield ""
    yield "Generated from the code by `python -m scripts.reference`; a test fails if it is out of date. The schema of"
    yield "every response is in [openapi.json](openapi.json), by `python -m scripts.openapi`. An instance serves it"
    yield "at `/openapi.json`, as a web page at `/docs`, and a JSON Schema of each event at `/schemas/events`."


def _events() -> Iterator[str]:
    yield from _heading(
        "Events",
        "What the log can contain. Stored names never change. A field that *changed* is stored as the pair",
        "`[old, new]`; the other fields of an event give initial values or the place of the change.",
    )
    for name, event_type in inventory.events().items():
        yield from _section(name, _docstring_summary(event_type), msgspec.structs.fields(event_type))
    yield from ("", "Events that are no longer written stay readable:", "")
    yield from _table(("stored name", "read as"), [(f"`{old}`", f"`{new}`") for old, (new, _) in UPCASTS.items()])


def _commands() -> Iterator[str]:
    yield from _heading(
        "Commands",
        "What clients can send. Every command also accepts `expected_version`: the version of the stream last read,",
        "which `If-Match` may give instead. Ids that are in the URL can be left out of the body.",
        "The role in the workspace and the scope of the token are the minimum that the command requires.",
    )
    for name, command_type in inventory.commands().items():
        fields = [field for field in msgspec.structs.fields(command_type) if field.name != "expected_version"]
        version = " Requires the version." if command_type.requires_version else ""
        alone = "" if command_type.is_batchable else " Not in batches."
        yield from _section(
            name, f"{_docstring_summary(command_type)}{version}{alone}\n\n{_permission_text(name)}", fields
        )


def _permission_text(name: str) -> str:
    """The role and token scope that the command requires."""
    required = permissions.REQUIRED_PERMISSIONS[name]
    if required.rule_only:
        return f"For rules of the installation only, scope `{required.scope}`."
    return f"Role {f'`{required.role}`' if required.role else 'none'}, scope `{required.scope}`."


def _routes() -> Iterator[str]:
    yield from _heading(
        "Routes",
        "A body is the command to execute, except for batches, searches and everything below `/auth`. An item of a",
        "batch is `{type, data, id, expected_version, command_id}`: the name of a command, its body, and the id or",
        "human key of its target, unless it creates one or, like ColourLabel, names it in its data. Only `type` and",
        "`data` are required. `command_id` is an idempotency key for the item, as `Idempotency-Key` is for the batch.",
        "Every route that executes a command, except below `/auth`, accepts `?dry_run=true`, which answers with the",
        "events that would be written and writes nothing, and `?on_conflict=rebase`, which executes the command even",
        "if other users have changed other fields since.",
    )
    rows = [
        (f"`{route.method} {route.path}`", f"`{route.body_schema}`" if route.body_schema else "", route.summary)
        for route in inventory.routes()
    ]
    yield from _table(("route", "body", "what it does"), rows)


def _errors() -> Iterator[str]:
    yield from _heading(
        "Errors",
        "Every error is an `application/problem+json` document (RFC 9457) with a stable `code`. If the framework",
        "refuses a request (401, 404, 405, 413), the code is the phrase of the status, such as `method_not_allowed`.",
        "A version conflict is 409 if the body gave the version, and 412 if `If-Match` did. The `type` of a problem is",
        "the URL of a page on its meaning and remedy: `/problems/{code}`.",
    )
    yield from _table(
        ("code", "status", "title"),
        [(f"`{error_case.code}`", str(error_case.status), error_case.title) for error_case in inventory.errors()],
    )
    yield from (
        "",
        "`errors` of a problem lists all that is wrong with a body or a query, each with a `pointer`, a `code` and a",
        "`detail`. Where a batch is refused for one of its commands, the code is that of the problem.",
        "",
    )
    rows = [
        (f"`{code}`", place, meaning)
        for place, codes in (("body", MEMBER_ERRORS), ("query", PARAMETER_ERRORS))
        for code, meaning in codes.items()
    ]
    yield from _table(("code in `errors`", "in the", "meaning"), rows)


def _settings() -> Iterator[str]:
    yield from _heading(
        "Settings",
        "Environment variables. Each can be read from a file instead, named by the same variable with the suffix",
        "`_FILE`. For a server that no variable names, `taskledger serve` starts an embedded one.",
    )
    types = typing.get_type_hints(Settings, include_extras=True)
    rows = [
        (
            f"`{ENVIRONMENT_PREFIX}{field.name.upper()}`",
            type_descriptions.describe_type(types[field.name]),
            type_descriptions.describe_default(field),
        )
        for field in msgspec.structs.fields(Settings)
    ]
    yield from _table(("variable", "value", "default"), rows)


def _heading(title: str, *lines: str) -> Iterator[str]:
    yield from ("", f"## {title}", "", *lines)
    if title not in {"Events", "Commands"}:
        yield ""


def _section(name: str, summary: str, fields: Sequence[FieldInfo]) -> Iterator[str]:
    yield from ("", f"### {name}")
    if summary:
        yield from ("", summary)
    if fields:
        yield ""
        rows = [
            (f"`{field.name}`", type_descriptions.describe_type(field.type), type_descriptions.describe_default(field))
            for field in fields
        ]
        yield from _table(("field", "what it holds", "if left out"), rows)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"


def _docstring_summary(kind: type[Struct]) -> str:
    """The first paragraph of the type's own docstring, on one line."""
    return " ".join((vars(kind).get("__doc__") or "").partition("\n\n")[0].split())
