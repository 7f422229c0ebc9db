"""Client types: schemas in a form that generators of clients turn into types that compile and say what is true.

JSON Schema allows more than they understand: openapi-typescript takes a member with a default for one that must be
sent, openapi-fetch forgets the length of a tuple, openapi-python-client makes no client where a schema is `false`, and
generated validators do not compile with a pattern that only Python reads.
"""

import json
import re
from typing import Any

import msgspec
from msgspec import Struct

from commands.field_types import PATTERN_DESCRIPTIONS

_NOT_PORTABLE = re.compile(r"\(\?[^:]|\\[uUwWsSdDbBpP]|[^ -~]")
"""Look-around, classes of Unicode and characters beyond ASCII: dialects of regular expressions differ in them."""
_TEXT_END = r"$(?!\n)"
"""In Python; in the dialect of JSON Schema `$` alone is the end."""


def describe_as_sent(kind: type[Struct], component: dict[str, Any]) -> None:
    """Say of a type that only the server sends which members are always there, and that one left out is not null."""
    for field in msgspec.structs.fields(kind):
        described = component["properties"][field.encode_name]
        if field.required or field.default is msgspec.UNSET:
            continue
        if not kind.__struct_config__.omit_defaults:
            component["required"] = [*component["required"], field.encode_name]
            described.pop("default", None)
        elif field.default is None:
            _remove_null(described)


def plain(schema: Any) -> Any:
    """The schema without what generators do not understand; a default becomes a sentence of the description."""
    if isinstance(schema, list):
        return [plain(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    simple = {name: plain(each) for name, each in schema.items()}
    if isinstance(simple.get("properties"), dict):
        simple["properties"] = {name: _without_default(each) for name, each in simple["properties"].items()}
    if simple.get("items") is False and "prefixItems" in simple:
        kinds = [each for at, each in enumerate(simple.pop("prefixItems")) if each not in schema["prefixItems"][:at]]
        simple["items"] = kinds[0] if len(kinds) == 1 else {"anyOf": kinds}
    if isinstance(pattern := simple.get("pattern"), str):
        simple |= _portable_pattern(pattern, simple.pop("description", ""))
        simple = {name: each for name, each in simple.items() if each}
    if "anyOf" in simple:
        simple["anyOf"] = [one for each in simple["anyOf"] for one in _alternatives(each)]
    return simple


def _remove_null(schema: dict[str, Any]) -> None:
    others = [each for each in schema.get("anyOf", ()) if each != {"type": "null"}]
    if len(others) == 1:
        del schema["anyOf"]
        schema |= others[0]
    elif others:
        schema["anyOf"] = others


def _portable_pattern(pattern: str, description: str) -> dict[str, str]:
    """The pattern and description of a text; one that is not portable is described instead."""
    portable = pattern.removesuffix(_TEXT_END) + "$" if pattern.endswith(_TEXT_END) else pattern
    if not _NOT_PORTABLE.search(portable):
        return {"pattern": portable, "description": description}
    words = PATTERN_DESCRIPTIONS.get(pattern)
    sentence = f"{words[:1].upper()}{words[1:]}." if words else ""
    return {"pattern": "", "description": " ".join(filter(None, (description, sentence)))}


def _without_default(schema: Any) -> Any:
    if not isinstance(schema, dict) or "default" not in schema:
        return schema
    simple = {name: each for name, each in schema.items() if name != "default"}
    default = schema["default"]
    if default is None or default in ("", [], (), {}):
        return simple
    sentence = f"`{default if isinstance(default, str) else json.dumps(default)}` if left out."
    return {**simple, "description": " ".join(filter(None, (schema.get("description"), sentence)))}


def _alternatives(schema: Any) -> list[Any]:
    """The alternatives of a schema that is one of several texts; any other schema alone."""
    is_union = isinstance(schema, dict) and schema.keys() == {"type", "anyOf"}
    return list(schema["anyOf"]) if is_union else [schema]
