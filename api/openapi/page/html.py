"""HTML fragments of the /docs page: texts, tables, types and examples."""

import json
import re
from collections.abc import Iterable
from html import escape
from typing import Any

from api.openapi.schemas import SCHEMA_REF_PREFIX, Schema

_BACKQUOTED = re.compile(r"`([^`]+)`")


def render_text(text: str) -> str:
    """Paragraphs, with backquoted text as code."""
    marked = _BACKQUOTED.sub(r"<code>\1</code>", escape(text))
    return "".join(f"<p>{paragraph}</p>" for paragraph in marked.split("\n\n") if paragraph)


def as_text(value: Any) -> str:
    """A text as it is, and any other value as JSON writes it: `true`, `null`, `3`."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def render_json(value: Any) -> str:
    """A value as JSON over several lines."""
    return f"<pre>{escape(json.dumps(value, indent=2, ensure_ascii=False))}</pre>"


def render_table(rows: Iterable[Iterable[str]], css_class: str = "") -> str:
    """A table of cells that are HTML already; empty without rows."""
    lines = ["<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows]
    return f"<table class='{css_class}'>{''.join(lines)}</table>" if lines else ""


def resolve_ref(document: Schema, schema: Schema) -> Schema:
    """The target of a reference; any other schema unchanged."""
    while "$ref" in schema:
        node: Any = document
        for part in schema["$ref"].removeprefix("#/").split("/"):
            node = node[part]
        schema = node
    return schema


def render_type(schema: Schema) -> str:
    """A short form of a type: `string (uuid)`, `list of Task`, `low | high`."""
    if "$ref" in schema:
        name = schema["$ref"].removeprefix(SCHEMA_REF_PREFIX)
        return f"<a href=#schema-{name}>{name}</a>"
    if "anyOf" in schema and "type" not in schema:
        return " or ".join(dict.fromkeys(render_type(one) for one in schema["anyOf"]))
    if "enum" in schema:
        return " | ".join(f"<code>{escape(as_text(one))}</code>" for one in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {render_type(schema['items'])}" if schema.get("items") else "list"
    return escape(schema.get("type", "anything")) + _bounds(schema)


def _bounds(schema: Schema) -> str:
    parts = [escape(schema["format"])] if "format" in schema else []
    for min_key, max_key, unit in (("minimum", "maximum", ""), ("minLength", "maxLength", " characters")):
        if min_key in schema or max_key in schema:
            parts.append(f"{schema.get(min_key, '')} … {schema.get(max_key, '')}{unit}".strip())
    return f" ({', '.join(parts)})" if parts else ""


def anchor_id(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower())
