"""Examples: one for every type, put together of those that its parts have.

An example stands where the form of a text does: `Meta(examples=[...])` in `commands/field_types.py`, or at a field. A
field of an answer has the one that a command has for a field of that name, or the one below.
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
from api.openapi.schemas import options, plain
from commands import command
from commands.command import Command

WHEN: Final = "2026-12-01T10:00:00Z"
BEGAN: Final = bytes.fromhex("0193805a8d00")
"""The milliseconds of a UUIDv7."""
NOTHING: Final = object()


def id_of(noun: str) -> str:
    """The id of the one thing of its kind that all examples are about."""
    digest = sha256(noun.encode()).digest()[:10]
    bits = int.from_bytes(BEGAN + digest)
    return str(UUID(int=bits & ~(0xF000 << 64) & ~(0xC000 << 48) | 0x7000 << 64 | 0x8000 << 48))


NAMED: Final[dict[str, Any]] = {
    "access_token": "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIwMTkzODA1YSJ9.c2lnbmVk",
    "actor": id_of("user"),
    "asked_by": id_of("user"),
    "changes": {"title": ["Milk", "Oat milk"]},
    "column": "doing",
    "columns": [
        {"id": "todo", "name": "To do"},
        {"id": "doing", "name": "In progress"},
        {"id": "done", "name": "Done"},
    ],
    "counts": {"doing": {"open": 2}, "done": {"done": 5}},
    "cursor": "WyIwMTkzODA1YSIsNTBd",
    "data": {"project_id": id_of("project"), "title": "Oat milk"},
    "done": 120_000,
    "events_per_s": 48_000.0,
    "expires_in": 3_600,
    "fingerprint": "9f2c41d07be3",
    "head": 1042,
    "key": "KIT-12",
    "kind": "rebuild",
    "labels": ["shopping"],
    "limit": 50,
    "members": {id_of("user"): "owner"},
    "min_position": 1042,
    "new_password": "staple battery horse",
    "next_cursor": "WyIwMTkzODA1YSIsNTBd",
    "number": 12,
    "password": "correct horse battery",
    "phase": "folding",
    "position": 1042,
    "priority": "high",
    "projection": "task_list",
    "rebuild_seconds": 3.5,
    "refresh_token": "3q2-7wAAAAAAAAAAAAAAAA",
    "role": "member",
    "share": 0.4,
    "since": "2026-12-01T00:00:00Z",
    "status": "open",
    "stream": id_of("task"),
    "token": "tlp_0000000000000000000000000000000000000000000",
    "token_type": "Bearer",
    "total": 300_000,
    "trace_id": "0af7651916cd43dd8448eb211c80319c",
    "type": "TaskRenamed",
    "until": "2026-12-08T00:00:00Z",
    "user_agent": "curl/8.5.0",
    "user_id": id_of("user"),
    "version": 3,
}
"""By the name of a field or parameter, where no command has one; used where it has the right type."""


def of(annotation: Any, name: str = "", noun: str = "") -> Any:
    """An example of a type, for a field of that name, of that kind of thing; `NOTHING` where there is none."""
    given = said(annotation)
    if given is not NOTHING:
        return given
    for found in (_by_commands().get(name, NOTHING), NAMED.get(name, NOTHING)):
        if found is not NOTHING and _is(found, annotation):
            return found
    return _of_kind(next(options(annotation), None), name, noun)


def said(annotation: Any) -> Any:
    """The example that stands at the type itself."""
    if get_origin(annotation) is Annotated:
        for meta in get_args(annotation)[1:]:
            if isinstance(meta, Meta) and meta.examples:
                return meta.examples[0]
    inner = [one for one in options(annotation) if one is not annotation]
    if plain(annotation) is not annotation:
        inner.append(plain(annotation))
    return next((found for one in inner if (found := said(one)) is not NOTHING), NOTHING)


def body(kind: type[Struct], noun: str = "") -> dict[str, Any]:
    """A whole object: what must be there, and what has an example of its own."""
    noun = noun or noun_of(kind)
    return {
        field.encode_name: found
        for field in msgspec.structs.fields(kind)
        if _is_shown(kind, field) and (found := of(field.type, field.name, noun)) is not NOTHING
    }


def noun_of(kind: type) -> str:
    """What an object of the class is about: `TaskRow` and `CreateTask` are about a task."""
    return public_name(getattr(kind, "state_type", kind).__name__).lower()


def _is_shown(kind: type[Struct], field: msgspec.structs.FieldInfo) -> bool:
    if field.name == "expected_version":
        return bool(getattr(kind, "requires_version", False))
    if field.required or said(field.type) is not NOTHING:
        return True
    if issubclass(kind, Command):
        return field.name in NAMED and not any(plain(one) is UUID for one in options(field.type))
    return field.default is not None and field.default is not UNSET


@cache
def _by_commands() -> dict[str, Any]:
    """The example of each field that some command has one for; the first that is found stays."""
    found = dict[str, Any]()
    for kind in command.all_commands().values():
        for field in msgspec.structs.fields(kind):
            if (example := said(field.type)) is not NOTHING:
                found.setdefault(field.name, example)
    return found


def _is(found: Any, annotation: Any) -> bool:
    try:
        msgspec.json.decode(msgspec.json.encode(found), type=annotation)
    except msgspec.ValidationError:
        return False
    return True


def _of_kind(annotation: Any, name: str, noun: str) -> Any:
    kind = plain(annotation)
    origin = get_origin(kind) or kind
    if isinstance(origin, type) and issubclass(origin, Struct):
        return _generic(kind) if get_args(kind) else body(origin, noun if not name else "")
    if origin is Literal:
        return get_args(kind)[0]
    if origin in {list, tuple, frozenset}:
        found = of(get_args(kind)[0], name, noun) if get_args(kind) else NOTHING
        return [] if found is NOTHING else [found]
    if origin is UUID:
        return id_of(noun if name == "id" else name.removesuffix("_id"))
    return _PLAIN[origin](annotation) if origin in _PLAIN else NOTHING


def _generic(kind: Any) -> dict[str, Any]:
    """A page, with one item."""
    item = get_args(kind)[0]
    return {"items": [of(item)], "next_cursor": NAMED["next_cursor"]}


def _number(annotation: Any) -> int:
    metas = [meta for meta in getattr(annotation, "__metadata__", ()) if isinstance(meta, Meta)]
    return next((int(meta.ge) for meta in metas if meta.ge), 0)


_PLAIN: Final[dict[Any, Callable[[Any], Any]]] = {
    bool: lambda _: False,
    int: _number,
    float: lambda _: 0.0,
    str: lambda _: "text",
    datetime: lambda _: WHEN,
    dict: lambda _: {},
}
