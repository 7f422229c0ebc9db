"""The body of a batch: up to a hundred commands, decoded and resolved to their targets."""

import contextlib
from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import Meta, Struct
from msgspec.structs import replace

from api.http.addressing import TARGET_SCHEMA, is_project_key, is_task_key, parse_id
from api.http.body import convert_part, decode_any
from api.http.idempotency import sorted_members
from api.http.problems import MalformedRequest
from api.ledger import AuthedRequest, Ledger
from api.task_names import task_name_fields, with_task_ids
from commands import command
from commands.command import Command
from commands.field_types import ExpectedVersion
from commands.handling.command_on import CommandOn
from commands.handling.idempotency import IdempotencyKey, fingerprint
from commands.validation import (
    MAX_ERRORS,
    FieldError,
    describe,
    find_errors,
    quoted,
    unknown_name_words,
)
from domain.errors import Refusal
from domain.project import Project
from domain.task import Task
from infra.ids import new_id

MAX_BATCH_COMMANDS = 100
SCOPE_FIELDS = ("project_id", "workspace_id", "user_id", "task_id")
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

    @staticmethod
    def errors_beyond_types(value: dict[str, Any], pointer: str) -> Iterator[FieldError]:
        """The errors of the command in an item that may have others."""
        name, data, target = value.get("type"), value.get("data"), value.get("id")
        if not isinstance(name, str):
            return
        kind = command.all_commands().get(name)
        if kind is None or not kind.is_batchable:
            yield _unknown_command(name, pointer)
        elif isinstance(data, dict):
            item = BatchItem(name, data, None if target is None else str(target))
            yield from _errors_beside_data(item, kind, pointer)
            ids = {name: value for name, value in data.items() if not _is_key_of_project(name, value)}
            yield from find_errors(ids, kind, f"{pointer}/data")

    def target_name(self) -> str:
        """The id or key of the target, if it has one before the command is carried out."""
        return _canonical_id(self.id or self.data.get("id"))

    def referenced_names(self) -> set[str]:
        """The target, and the places and tasks that the body names."""
        kind = command.all_commands().get(self.type)
        fields = (*SCOPE_FIELDS, "reply_to", *(task_name_fields(kind) if kind else ()))
        return {self.target_name(), *(_canonical_id(self.data.get(field)) for field in fields)}

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
    sent = decode_any(body)["commands"]
    return [item.idempotency_key(index, members) for index, (item, members) in enumerate(zip(items, sent, strict=True))]


def check_keys(items: list[BatchItem], key: IdempotencyKey | None) -> None:
    """Raise MalformedRequest if two items, or an item and the whole, have the same key."""
    texts = [str(item.command_id) for item in items if item.command_id]
    if len({*texts, *([key.text] if key else [])}) < len(texts) + bool(key):
        raise _invalid_commands("not_unique", "use a key twice: each command_id, and the Idempotency-Key, is another")


def check_keys_all_or_none(items: list[BatchItem], key: IdempotencyKey | None) -> None:
    """Raise MalformedRequest if only some commands of an atomic batch have a key, and the whole has none."""
    if not key and len({item.command_id is None for item in items}) > 1:
        words = "need an Idempotency-Key, or a command_id each or none, in an atomic batch"
        raise _invalid_commands("missing", words)


def _invalid_commands(code: str, words: str) -> MalformedRequest:
    errors = [FieldError("#/commands", code, words)]
    return MalformedRequest("invalid_body", describe(errors), errors=errors)


def decode_items(items: list[BatchItem]) -> list[Command[Any]]:
    """The commands of an atomic batch; raises MalformedRequest with the errors of all."""
    try:
        return [decode_item(item, index) for index, item in enumerate(items)]
    except MalformedRequest as error:
        found = [one for index, item in enumerate(items) for one in _all_errors(item, index)]
        error.errors = found[:MAX_ERRORS]
        error.detail = describe(error.errors)
        raise


def _all_errors(item: BatchItem, index: int) -> Sequence[FieldError]:
    try:
        decode_item(item, index)
    except MalformedRequest as error:
        return error.errors
    return find_errors(item.data, command.all_commands()[item.type], f"#/commands/{index}/data")


def decode_item(item: BatchItem, index: int) -> Command[Any]:
    """The command of an item; raises MalformedRequest with the pointers of all its errors."""
    pointer = f"#/commands/{index}"
    kind = command.all_commands().get(item.type)
    if kind is None or not kind.is_batchable:
        errors = [_unknown_command(item.type, pointer)]
        raise MalformedRequest("unknown_command", describe(errors), errors=errors)
    errors = list(_errors_beside_data(item, kind, pointer))
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


async def with_project_ids(ledger: Ledger, request: AuthedRequest, items: list[BatchItem]) -> list[BatchItem]:
    """The items with ids for the keys of projects in their data; raises NotFound or AmbiguousKey, with a pointer."""
    return [await with_project_id(ledger, request, item, index) for index, item in enumerate(items)]


async def with_project_id(ledger: Ledger, request: AuthedRequest, item: BatchItem, index: int) -> BatchItem:
    """The item with an id for the key of a project in its data; raises NotFound or AmbiguousKey, with a pointer."""
    named = item.data.get("project_id")
    if not _is_key_of_project("project_id", named):
        return item
    try:
        project_id = await ledger.resolve_project_id(request, str(named))
    except Refusal as refusal:
        refusal.pointer = f"#/commands/{index}/data/project_id"
        raise
    return replace(item, data={**item.data, "project_id": str(project_id)})


def _is_key_of_project(name: str, value: Any) -> bool:
    """Whether a member of data names a project by its key, where its type has an id."""
    return name == "project_id" and isinstance(value, str) and is_project_key(value)


async def resolve_target(
    ledger: Ledger, request: AuthedRequest, item: BatchItem, wanted: Command[Any], index: int
) -> CommandOn:
    """The command with its target, and no keys; raises MalformedRequest, NotFound or AmbiguousKey, with a pointer."""
    wanted = await with_task_ids(ledger, request, wanted, f"#/commands/{index}/data")
    if wanted.creates:
        return CommandOn(getattr(wanted, "id", None) or new_id(), wanted)
    if wanted.may_create:
        return CommandOn(_target_stream(wanted, request.user.user_id, f"#/commands/{index}"), wanted)
    try:
        return CommandOn(await _target_id(ledger, request, item.id or "", wanted), wanted)
    except (MalformedRequest, Refusal) as error:
        error.pointer = f"#/commands/{index}/id"
        raise


async def _target_id(ledger: Ledger, request: AuthedRequest, name: str, wanted: Command[Any]) -> UUID:
    if wanted.state_type is Task:
        return await ledger.resolve_task_id(request, name)
    return await ledger.resolve_project_id(request, name) if wanted.state_type is Project else parse_id(name)


def _unknown_command(name: str, pointer: str) -> FieldError:
    words = f"is {quoted(name)}, which {unknown_name_words(name, _COMMAND_NAMES)}"
    return FieldError(f"{pointer}/type", "unknown_command", words)


def _errors_beside_data(item: BatchItem, kind: type[Command[Any]], pointer: str) -> Iterator[FieldError]:
    """What is wrong with the id of an item, or missing in its data because no address names it."""
    if item.id is not None and kind.creates:
        yield FieldError(f"{pointer}/id", "not_allowed", "is not allowed: send the id of a new thing in data")
    elif item.id is not None and kind.may_create:
        yield FieldError(f"{pointer}/id", "not_allowed", f"is not allowed: the data of {item.type} names its target")
    elif item.id is None and not kind.creates and not kind.may_create:
        yield FieldError(f"{pointer}/id", "missing", f"is missing: {item.type} needs the id of its target")
    for field in msgspec.structs.fields(kind):
        if field.name in SCOPE_FIELDS and field.default is None and item.data.get(field.name) is None:
            yield FieldError(f"{pointer}/data/{field.name}", "missing", "is missing")


def _target_stream(wanted: Command[Any], user: UUID, pointer: str) -> UUID:
    """The target of a command without an id; raises MalformedRequest if its fields do not name one."""
    stream = wanted.derive_target(user)
    if stream is None:
        errors = [FieldError(f"{pointer}/data", "missing", "lacks the name of the target")]
        raise MalformedRequest("invalid_body", describe(errors), errors=errors)
    return stream


def _canonical_id(name: object) -> str:
    """An id in its canonical form; any other name as it is."""
    text = str(name or "")
    try:
        return str(UUID(text))
    except ValueError:
        return text
