"""Examples: one for every type, composed of the examples of its parts.

An example is declared beside the type: `Meta(examples=[...])` in `commands/field_types.py`, or at a field. A field of
a response takes the example of a command's field of that name, or the one below.
"""

from collections.abc import Callable
from datetime import datetime
from functools import cache
from hashlib import sha256
from typing import Annotated, Any, Final, Literal, get_args, get_origin
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, Struct

from api.openapi.public_names import public_name
from api.openapi.schemas import strip_annotated, union_members
from commands import command
from commands.command import Command

EXAMPLE_TIME: Final = "2026-12-01T10:00:00Z"
EXAMPLE_UUID7_TIMESTAMP: Final = bytes.fromhex("0193805a8d00")
"""The timestamp bytes of the example UUIDv7s."""
NO_EXAMPLE: Final = object()


def example_id(noun: str) -> str:
    """The id that all examples use for one kind of thing."""
    digest = sha256(noun.encode()).digest()[:10]
    bits = int.from_bytes(EXAMPLE_UUID7_TIMESTAMP + digest)
    return str(UUID(int=bits & ~(0xF000 << 64) & ~(0xC000 << 48) | 0x7000 << 64 | 0x8000 << 48))


EXAMPLE_BY_FIELD: Final[dict[str, Any]] = {
    "access_token": "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIwMTkzODA1YSJ9.c2lnbmVk",
    "actor": example_id("user"),
    "asked_by": example_id("user"),
    "buckets": 100,
    "causation_id": "b7ad6b7169203331",
    "changes": {"title": ["Milk", "Oat milk"]},
    "column": "doing",
    "columns": [
        {"id": "todo", "name": "To do", "wip_limit": None, "removed": False, "done": False},
        {"id": "doing", "name": "In progress", "wip_limit": 3, "removed": False, "done": False},
        {"id": "done", "name": "Done", "wip_limit": None, "removed": False, "done": True},
    ],
    "counts": {"doing": {"open": 2}, "done": {"done": 5}},
    "current_password": "correct horse battery",
    "cursor": "WyIwMTkzODA1YSIsNTBd",
    "data": {"project_id": example_id("project"), "title": "Oat milk"},
    "done": 120_000,
    "events_per_s": 48_000.0,
    "expand": "assignees",
    "expires_in": 3_600,
    "field": "title",
    "fields": "title,due",
    "fingerprint": "9f2c41d07be3",
    "from": "2026-12-01T00:00:00Z",
    "head": 1042,
    "key": "KIT-12",
    "kind": "rebuild",
    "labels": ["shopping"],
    "limit": 50,
    "members": {example_id("user"): "owner"},
    "as_of": "2026-11-30T09:00:00Z",
    "at_position": 1042,
    "min_position": 1042,
    "new_email": None,
    "new_password": "staple battery horse",
    "next_cursor": "WyIwMTkzODA1YSIsNTBd",
    "number": 12,
    "on_behalf_of": None,
    "password": "correct horse battery",
    "phase": "folding",
    "position": 1042,
    "priority": "high",
    "projection": "task_list",
    "query": "ann",
    "rebuild_seconds": 3.5,
    "refresh_token": "3q2-7wAAAAAAAAAAAAAAAA",
    "role": "member",
    "share": 0.4,
    "since": "2026-12-01T00:00:00Z",
    "status": "open",
    "stream": example_id("task"),
    "to": "2026-12-08T00:00:00Z",
    "token": "tlp_0000000000000000000000000000000000000000000",
    "token_type": "Bearer",
    "total": 300_000,
    "trace_id": "0af7651916cd43dd8448eb211c80319c",
    "type": "TaskRenamed",
    "until": "2026-12-08T00:00:00Z",
    "user_agent": "curl/8.5.0",
    "user_id": example_id("user"),
    "version": 3,
}
"""By the name of a field or parameter without an example in a command; used if its type fits."""


EXAMPLE_BY_TYPE: Final[dict[str, dict[str, Any]]] = {
    "AccountChange": {"name": "Ann Lee", "email": "ann.lee@example.com"},
    "ActivityDensity": {"counts": [3, 0, 5]},
    "AgeingPoint": {
        "columns": [{"column": "doing", "count": 3, "age": {"p50": 86_400, "p85": 259_200, "p95": 604_800}}]
    },
    "ActorInfo": {"name": "Ann"},
    "AuditItem": {"type": "SignedOut", "details": {"reason": "signed_out"}, "workspace_id": None},
    "AuditUser": {"name": "Ann"},
    "BlameItem": {"value": "Oat milk"},
    "CopyProject": {"name": "Cottage", "key": "COT"},
    "CreateProject": {"name": "Garden", "key": "GAR"},
    "CreateWorkspace": {"name": "Office"},
    "FlowPoint": {"counts": {"todo": 5, "doing": 2}},
    "DiffField": {"old": "Milk", "new": "Oat milk", "events": [1042]},
    "DiffItem": {
        "kind": "task",
        "key": "KIT-12",
        "change": "changed",
        "sentences": ["KIT-12 “Oat milk”: title changed from “Milk” to “Oat milk” by Ann."],
    },
    "Invite": {"email": "bob@example.com"},
    "Me": {"name": "Ann"},
    "MemberRow": {"name": "Ann"},
    "MoveTask": {"after": NO_EXAMPLE, "before": NO_EXAMPLE},
    "NewToken": {"name": "Nightly import", "expires_at": "2099-12-01T10:00:00Z"},
    "Person": {"name": "Ann"},
    "Registration": {"email": "bob@example.com", "name": "Bob"},
    "SaveFilter": {"name": "Due today"},
    "SetColumns": {"columns": [{"name": "To do"}, {"name": "Done", "done": True}]},
    "TokenInfo": {"name": "Nightly import"},
}
"""By the name of a type: members whose example would make no sense there, or would not work after the set-up."""


def example_of(annotation: Any, name: str = "", noun: str = "") -> Any:
    """An example of a type, for a field of that name and an object of that noun; NO_EXAMPLE if there is none."""
    declared = declared_example(annotation)
    if declared is not NO_EXAMPLE:
        return declared
    for candidate in (_examples_of_command_fields().get(name, NO_EXAMPLE), EXAMPLE_BY_FIELD.get(name, NO_EXAMPLE)):
        if candidate is not NO_EXAMPLE and _is_valid(candidate, annotation):
            return candidate
    return _example_by_type(next(union_members(annotation), None), name, noun)


def declared_example(annotation: Any) -> Any:
    """The example declared at the type itself."""
    if get_origin(annotation) is Annotated:
        for meta in get_args(annotation)[1:]:
            if isinstance(meta, Meta) and meta.examples:
                return meta.examples[0]
    inner = [one for one in union_members(annotation) if one is not annotation]
    if strip_annotated(annotation) is not annotation:
        inner.append(strip_annotated(annotation))
    return next((found for one in inner if (found := declared_example(one)) is not NO_EXAMPLE), NO_EXAMPLE)


def example_body(kind: type[Struct], noun: str = "") -> dict[str, Any]:
    """A whole object: its required fields, and those with an example of their own."""
    noun, own = noun or noun_of(kind), EXAMPLE_BY_TYPE.get(kind.__name__, {})
    return {
        field.encode_name: found
        for field in msgspec.structs.fields(kind)
        if _is_in_example(kind, field)
        and (found := own.get(field.encode_name, example_of(field.type, field.name, noun))) is not NO_EXAMPLE
    }


def noun_of(kind: type) -> str:
    """The noun of a class: that of `TaskRow` and `CreateTask` is `task`."""
    return public_name(getattr(kind, "state_type", kind).__name__).lower()


def _is_in_example(kind: type[Struct], field: msgspec.structs.FieldInfo) -> bool:
    if field.name == "expected_version":
        return bool(getattr(kind, "requires_version", False))
    config = kind.__struct_config__
    is_always_sent = not config.omit_defaults and not config.forbid_unknown_fields and field.default is not UNSET
    if field.required or is_always_sent or declared_example(field.type) is not NO_EXAMPLE:
        return True
    if issubclass(kind, Command):
        return field.name in EXAMPLE_BY_FIELD and not any(
            strip_annotated(one) is UUID for one in union_members(field.type)
        )
    return not config.omit_defaults and field.default is not None and field.default is not UNSET


@cache
def _examples_of_command_fields() -> dict[str, Any]:
    """The example of each field of a command that declares one; the first found wins."""
    found = dict[str, Any]()
    for kind in command.all_commands().values():
        for field in msgspec.structs.fields(kind):
            if (example := declared_example(field.type)) is not NO_EXAMPLE:
                found.setdefault(field.name, example)
    return found


def _is_valid(value: Any, annotation: Any) -> bool:
    try:
        msgspec.json.decode(msgspec.json.encode(value), type=annotation)
    except msgspec.ValidationError:
        return False
    return True


def _example_by_type(annotation: Any, name: str, noun: str) -> Any:
    plain_type = strip_annotated(annotation)
    origin = get_origin(plain_type) or plain_type
    if isinstance(origin, type) and issubclass(origin, Struct):
        return _example_page(plain_type) if get_args(plain_type) else example_body(origin, noun if not name else "")
    if origin is Literal:
        return get_args(plain_type)[0]
    if origin in {list, tuple, frozenset}:
        item = example_of(get_args(plain_type)[0], name, noun) if get_args(plain_type) else NO_EXAMPLE
        return [] if item is NO_EXAMPLE else [item]
    if origin is UUID:
        return example_id(noun if name == "id" else name.removesuffix("_id"))
    return _EXAMPLE_BY_PLAIN_TYPE[origin](annotation) if origin in _EXAMPLE_BY_PLAIN_TYPE else NO_EXAMPLE


def _example_page(page_type: Any) -> dict[str, Any]:
    """A page with one item."""
    item = get_args(page_type)[0]
    return {"items": [example_of(item)], "next_cursor": EXAMPLE_BY_FIELD["next_cursor"]}


def _smallest_integer(annotation: Any) -> int:
    metas = [meta for meta in getattr(annotation, "__metadata__", ()) if isinstance(meta, Meta)]
    return next((int(meta.ge) for meta in metas if meta.ge), 0)


_EXAMPLE_BY_PLAIN_TYPE: Final[dict[Any, Callable[[Any], Any]]] = {
    bool: lambda _: False,
    int: _smallest_integer,
    float: lambda _: 0.0,
    str: lambda _: "text",
    datetime: lambda _: EXAMPLE_TIME,
    dict: lambda _: {},
}
