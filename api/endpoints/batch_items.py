"""The body of a batch: up to a hundred commands, decoded and resolved to their targets."""

import contextlib
from collections.abc import Iterator
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import Meta, Struct
from msgspec.structs import replace

from api.http.addressing import TARGET_SCHEMA, is_task_key, parse_id
from api.http.body import convert_part
from api.http.idempotency import sorted_members
from api.http.problems import MalformedRequest
from api.ledger import AuthedRequest, Ledger
from commands import command
from commands.command import Command
from commands.field_types import ExpectedVersion
from commands.handling.command_on import CommandOn
from commands.handling.idempotency import IdempotencyKey, fingerprint
from commands.validation import MAX_ERRORS, FieldError, describe, quoted, unknown_name_words
from domain.errors import Refusal
from domain.project import Project
from domain.task import Task
from infra.ids import new_id

MAX_BATCH_COMMANDS = 100
SCOPE_FIELDS = ("project_id", "workspace_id", "user_id")
_COMMAND_NAMES = sorted(name for name, kind in command.all_commands().items() if kind.is_batchable)
_TYPE_SCHEMA = {"enum": _COMMAND_NAMES}
_DATA_SCHEMA = {"anyOf": [{"$ref": f"#/components/schemas/{name}"} for name in _COMMAND_NAMES]}


class BatchItem(Struct, frozen=True, forbid_unknown_fields=True):
    """One command: its name, its body, and the id or key of its target, unless the body names it."""

    type: Annotated[
        str, Meta(description="The name of a command.", examples=["CreateTask"], extra_json_schema=_TYPE_SCHEMA)
    ]
    data: Annotated[dict[str, Any], Meta(description="The body of that command.", extra_json_schema=_DATA_SCHEMA)]
    id: Annotated[str, Meta(extra_json_schema=TARGET_SCHEMA)] | None = None
    expected_version: ExpectedVersion | None = None
    command_id: Annotated[UUID | None, Meta(description="Your own idempotency key for this item.")] = None

    def target_name(self) -> str:
        """The id or key of the target, if it has one before the command is carried out."""
        return _canonical_id(self.id or self.data.get("id"))

    def referenced_names(self) -> set[str]:
        """The target, and the places that the body names."""
        return {self.target_name(), *(_canonical_id(self.data.get(field)) for field in SCOPE_FIELDS)}

    def idempotency_key(self, index: int, sent: dict[str, Any]) -> IdempotencyKey | None:
        """The client's key for this item, if it has one; `sent` are the members that it was decoded from."""
        if self.command_id is None:
            return None
        content = sorted_members({name: value for name, value in sent.items() if name != "command_id"})
        as_sent = msgspec.json.encode(replace(self, command_id=None), order="deterministic")
        return IdempotencyKey(str(self.command_id), fingerprint(content), index, as_sent)


class Batch(Struct, frozen=True, forbid_unknown_fields=True):
    """Commands in order: all or none (`atomic`), or each on its own (`independent`)."""

    commands: Annotated[list[BatchItem], Meta(min_length=1, max_length=MAX_BATCH_COMMANDS)]
    mode: Literal["atomic", "independent"] = "atomic"


async def resolve_task_keys(ledger: Ledger, request: AuthedRequest, items: list[BatchItem]) -> list[BatchItem]:
    """The items with ids for human keys; the key of an unknown task stays, and fails when it is used."""
    ids: dict[str, str] = {}
    for key in {item.id for item in items if item.id and is_task_key(item.id)}:
        with contextlib.suppress(Refusal):
            ids[key] = str(await ledger.resolve_task_id(request, key))
    return [replace(item, id=ids.get(item.id or "", item.id)) for item in items]


def item_keys(items: list[BatchItem], body: bytes) -> list[IdempotencyKey | None]:
    """The client's key for each item, if it has one, with its place in the batch."""
    if all(item.command_id is None for item in items):
        return [None] * len(items)
    sent = msgspec.json.decode(body)["commands"]
    return [item.idempotency_key(index, members) for index, (item, members) in enumerate(zip(items, sent, strict=True))]


def check_keys(items: list[BatchItem], key: IdempotencyKey | None) -> None:
    """Raise MalformedRequest if two items, or an item and the whole, have the same key."""
    texts = [str(item.command_id) for item in items if item.command_id]
    if len({*texts, *([key.text] if key else [])}) < len(texts) + bool(key):
        raise MalformedRequest(
            "invalid_body",
            "A key is used twice in this request.",
            pointer="#/commands",
        )


def check_keys_all_or_none(items: list[BatchItem], key: IdempotencyKey | None) -> None:
    """Raise MalformedRequest if only some commands of an atomic batch have a key, and the whole has none."""
    if not key and len({item.command_id is None for item in items}) > 1:
        text = "In an atomic batch, send an Idempotency-Key, or a command_id with every command or with none."
        raise MalformedRequest("invalid_body", text, pointer="#/commands")


async def resolve_item(ledger: Ledger, request: AuthedRequest, item: BatchItem, index: int) -> CommandOn:
    """The command of an item with its target; raises MalformedRequest with the pointers of all errors, or NotFound."""
    pointer = f"#/commands/{index}"
    wanted = _decode_command(item, pointer)
    if wanted.creates:
        return CommandOn(getattr(wanted, "id", None) or new_id(), wanted)
    if wanted.may_create:
        return CommandOn(_target_stream(wanted, pointer), wanted)
    return CommandOn(await _resolve_target(ledger, request, item.id or "", wanted), wanted)


async def _resolve_target(ledger: Ledger, request: AuthedRequest, name: str, wanted: Command[Any]) -> UUID:
    if wanted.state_type is Task:
        return await ledger.resolve_task_id(request, name)
    return await ledger.resolve_project_id(request, name) if wanted.state_type is Project else parse_id(name)


def with_all_errors(items: list[BatchItem], error: MalformedRequest) -> MalformedRequest:
    """The refusal of one item, with the errors of all."""
    errors = list[FieldError]()
    for index, item in enumerate(items):
        try:
            _decode_command(item, f"#/commands/{index}")
        except MalformedRequest as other:
            errors.extend(other.errors)
    if errors:
        error.errors = errors[:MAX_ERRORS]
        error.detail = describe(error.errors)
    return error


def _decode_command(item: BatchItem, pointer: str) -> Command[Any]:
    kind = command.all_commands().get(item.type)
    if kind is None or not kind.is_batchable:
        words = f"{quoted(item.type)} {unknown_name_words(item.type, _COMMAND_NAMES)}"
        errors = [FieldError(f"{pointer}/type", "unknown_command", words)]
        raise MalformedRequest("unknown_command", describe(errors), errors=errors)
    errors = [*_target_errors(item, kind, pointer), *_missing_scope_errors(item, kind, pointer)]
    try:
        wanted = convert_part(item.data, kind, f"{pointer}/data")
    except MalformedRequest as error:
        errors = [*errors, *error.errors]
    if errors:
        raise MalformedRequest("invalid_body", describe(errors), errors=errors)
    if item.expected_version is None:
        return wanted
    if wanted.expected_version not in {None, item.expected_version}:
        words = "differs from the expected_version beside it"
        errors = [FieldError(f"{pointer}/data/expected_version", "versions_differ", words)]
        raise MalformedRequest("versions_differ", describe(errors), errors=errors)
    return replace(wanted, expected_version=item.expected_version)


def _target_errors(item: BatchItem, kind: type[Command[Any]], pointer: str) -> Iterator[FieldError]:
    if item.id is not None and kind.creates:
        yield FieldError(f"{pointer}/id", "not_allowed", "is not allowed: send the id of a new thing in data")
    elif item.id is not None and kind.may_create:
        yield FieldError(f"{pointer}/id", "not_allowed", f"is not allowed: the data of {item.type} names its target")
    elif item.id is None and not kind.creates and not kind.may_create:
        yield FieldError(f"{pointer}/id", "missing", f"is missing: {item.type} needs the id of its target")


def _missing_scope_errors(item: BatchItem, kind: type[Command[Any]], pointer: str) -> Iterator[FieldError]:
    """The places that an address names, and that data must name in a batch."""
    for field in msgspec.structs.fields(kind):
        if field.name in SCOPE_FIELDS and field.default is None and item.data.get(field.name) is None:
            yield FieldError(f"{pointer}/data/{field.name}", "missing", "is missing")


def _target_stream(wanted: Command[Any], pointer: str) -> UUID:
    """The target of a command without an id; raises MalformedRequest if its fields do not name one."""
    stream = wanted.derive_target()
    if stream is None:
        raise MalformedRequest("invalid_body", "The name of the target is missing.", pointer=f"{pointer}/data")
    return stream


def _canonical_id(name: object) -> str:
    """An id in its canonical form; any other name as it is."""
    text = str(name or "")
    try:
        return str(UUID(text))
    except ValueError:
        return text
