"""The page itself, in Markdown."""

import typing
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import msgspec
from msgspec import Struct
from msgspec.structs import FieldInfo

from commands import permissions
from domain.upcasts import UPCASTS
from infra.settings import ENVIRONMENT_PREFIX, Settings
from scripts.reference import inventory, type_descriptions

REFERENCE_FILE = Path(__file__).parents[2] / "docs" / "reference.md"


def render_reference() -> str:
    """All of it, as docs/reference.md should be."""
    return "\n".join([*_introduction(), *_events(), *_commands(), *_routes(), *_errors(), *_settings()]) + "\n"


def _introduction() -> Iterator[str]:
    yield "# Reference"
    yield ""
    yield "Made from the code by `python -m scripts.reference`; a test fails while it is out of date. The form of every"
    yield "answer is in [openapi.json](openapi.json), which `python -m scripts.openapi` writes; an instance has it"
    yield "at `/openapi.json`, for people at `/docs`, and a JSON Schema of each event at `/schemas/events`."


def _events() -> Iterator[str]:
    yield from _heading(
        "Events",
        "What can stand in the log. Stored names are for ever. A field that *changed* is stored as the pair",
        "`[old, new]`; the other fields of an event say what began, or where it happened.",
    )
    for name, event_type in inventory.events().items():
        yield from _section(name, _docstring_summary(event_type), msgspec.structs.fields(event_type))
    yield from ("", "Events that are no longer written stay readable:", "")
    yield from _table(("stored name", "read as"), [(f"`{old}`", f"`{new}`") for old, (new, _) in UPCASTS.items()])


def _commands() -> Iterator[str]:
    yield from _heading(
        "Commands",
        "What may be asked. Every one takes `expected_version` too: the version of the stream that the wish was made",
        "on, which `If-Match` may name instead. Ids and places that stand in the address need not stand in the body.",
        "The role in the workspace and the scope of the token are the least that it asks for.",
    )
    for name, command_type in inventory.commands().items():
        fields = [field for field in msgspec.structs.fields(command_type) if field.name != "expected_version"]
        version = " Must name the version." if command_type.requires_version else ""
        alone = "" if command_type.is_batchable else " Not in batches."
        yield from _section(
            name, f"{_docstring_summary(command_type)}{version}{alone}\n\n{_permission_text(name)}", fields
        )


def _permission_text(name: str) -> str:
    """Who may, by role and by scope of the token."""
    required = permissions.REQUIRED_PERMISSIONS[name]
    if required.rule_only:
        return f"For rules of the installation alone, scope `{required.scope}`."
    return f"Role {f'`{required.role}`' if required.role else 'none'}, scope `{required.scope}`."


def _routes() -> Iterator[str]:
    yield from _heading(
        "Routes",
        "A body is the command that is carried out, but for batches, searches and all below `/auth`. An item of a",
        "batch is `{type, data, id, expected_version, command_id}`: the name of a command, its body, and the id or",
        "human key of what it is about unless it creates or, as ColourLabel, names that in its data; only `type` and",
        "`data` are required. `command_id` is a key for that item, as `Idempotency-Key` is for the whole.",
        "Every route that carries out a command, `/auth` excepted, takes `?dry_run=true`, which answers with the",
        "events that would be written and writes nothing, and `?on_conflict=rebase`, which carries it out all the same",
        "where others changed other fields since.",
    )
    rows = [
        (f"`{route.method} {route.path}`", f"`{route.body_schema}`" if route.body_schema else "", route.summary)
        for route in inventory.routes()
    ]
    yield from _table(("route", "body", "what it does"), rows)


def _errors() -> Iterator[str]:
    yield from _heading(
        "Errors",
        "Every error is an `application/problem+json` document (RFC 9457) with a stable `code`. Where the framework",
        "says no (401, 404, 405, 413), the code is the phrase of the status, such as `method_not_allowed`.",
        "A lost race is 409 where the body named the version, and 412 where `If-Match` did. The `type` of a problem is",
        "the address of what it means and what to do: `/problems/{code}`.",
    )
    yield from _table(
        ("code", "status", "title"),
        [(f"`{error_case.code}`", str(error_case.status), error_case.title) for error_case in inventory.errors()],
    )


def _settings() -> Iterator[str]:
    yield from _heading(
        "Settings",
        "Variables of the environment. Each may be given as a file instead, named by the same variable with `_FILE`",
        "behind it. A server that none of them names is the one that `taskledger serve` brings.",
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
    """The first paragraph of its own docstring, in one line."""
    return " ".join((vars(kind).get("__doc__") or "").partition("\n\n")[0].split())
