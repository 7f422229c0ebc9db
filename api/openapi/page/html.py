"""Words of the page: texts, types and examples as HTML."""

import json
import re
from collections.abc import Iterable
from html import escape
from typing import Any

from api.openapi.schemas import REF, Schema

_CODE = re.compile(r"`([^`]+)`")


def said(text: str) -> str:
    """Paragraphs, with what stands in back quotes as code."""
    marked = _CODE.sub(r"<code>\1</code>", escape(text))
    return "".join(f"<p>{paragraph}</p>" for paragraph in marked.split("\n\n") if paragraph)


def example(value: Any) -> str:
    """A value as JSON over several lines."""
    return f"<pre>{escape(json.dumps(value, indent=2, ensure_ascii=False))}</pre>"


def table(rows: Iterable[Iterable[str]], kind: str = "") -> str:
    """Cells that are HTML already; nothing where there is no row."""
    lines = ["<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows]
    return f"<table class='{kind}'>{''.join(lines)}</table>" if lines else ""


def resolved(document: Schema, found: Schema) -> Schema:
    """What a reference stands for; anything else as it is."""
    while "$ref" in found:
        place: Any = document
        for part in found["$ref"].removeprefix("#/").split("/"):
            place = place[part]
        found = place
    return found


def typed(schema: Schema) -> str:
    """A type in few words: `string (uuid)`, `list of Task`, `low | high`."""
    if "$ref" in schema:
        name = schema["$ref"].removeprefix(REF)
        return f"<a href=#schema-{name}>{name}</a>"
    if "anyOf" in schema and "type" not in schema:
        return " or ".join(dict.fromkeys(typed(one) for one in schema["anyOf"]))
    if "enum" in schema:
        return " | ".join(f"<code>{escape(str(one))}</code>" for one in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {typed(schema['items'])}" if schema.get("items") else "list"
    return escape(schema.get("type", "anything")) + _bounds(schema)


def _bounds(schema: Schema) -> str:
    parts = [escape(schema["format"])] if "format" in schema else []
    for least, most, unit in (("minimum", "maximum", ""), ("minLength", "maxLength", " characters")):
        if least in schema or most in schema:
            parts.append(f"{schema.get(least, '')} … {schema.get(most, '')}{unit}".strip())
    return f" ({', '.join(parts)})" if parts else ""


def anchor(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower())
