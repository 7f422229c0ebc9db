"""The documentation page: the OpenAPI description as HTML that loads nothing from anywhere."""

from collections.abc import Iterator
from html import escape
from itertools import groupby
from typing import Any

from litestar import Request, Router
from litestar.openapi.plugins import JsonRenderPlugin, OpenAPIRenderPlugin

METHODS = ("get", "post", "put", "patch", "delete")
STYLE = """
:root { color-scheme: light dark; --line: color-mix(in srgb, currentColor 18%, transparent); }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 52rem; margin: 3rem auto; padding: 0 1rem; }
h2 { margin-top: 3rem; border-bottom: 1px solid var(--line); text-transform: capitalize; }
details { border-bottom: 1px solid var(--line); padding: .6rem 0; }
summary { cursor: pointer; } code { font: 14px ui-monospace, monospace; }
.verb { display: inline-block; width: 5rem; font-weight: 600; text-transform: uppercase; }
.said { opacity: .7; margin-left: 5.3rem; } table { border-collapse: collapse; margin: .5rem 0 .5rem 5.3rem; }
td { padding: .15rem 1.2rem .15rem 0; vertical-align: top; }
"""


class Page(OpenAPIRenderPlugin):
    """One line for each operation; its parameters, fields and answers unfold."""

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:
        del request
        return "".join(_page(openapi_schema)).encode()

    def receive_router(self, router: Router) -> None:
        """Keep the framework from answering for every other address at the root with a page of its own."""
        router.routes = [route for route in router.routes if any(plugin.has_path(route.path) for plugin in PLUGINS)]


PLUGINS = [JsonRenderPlugin(path="/openapi.json"), Page(path="/docs")]


def _page(schema: dict[str, Any]) -> Iterator[str]:
    title = escape(schema["info"]["title"])
    yield f"<!doctype html><html lang=en><meta charset=utf-8><title>{title}</title><style>{STYLE}</style>"
    yield f"<h1>{title}</h1><p>{escape(schema['info'].get('description', ''))}</p>"
    yield "<p>The same for programs: <a href=/openapi.json>/openapi.json</a>.</p>"
    for chapter, paths in groupby(sorted(schema["paths"], key=_place), key=lambda path: _place(path)[1]):
        yield f"<h2>{escape(chapter)}</h2>"
        for path in paths:
            for method in METHODS:
                if method in schema["paths"][path]:
                    yield from _operation(schema, method, path, schema["paths"][path][method])


def _place(path: str) -> tuple[bool, str, str]:
    """Root routes last; otherwise by the first word, then by the whole."""
    return not path.startswith("/api/"), path.removeprefix("/api/v1").strip("/").partition("/")[0], path


def _operation(schema: dict[str, Any], method: str, path: str, operation: dict[str, Any]) -> Iterator[str]:
    yield f"<details><summary><span class=verb>{method}</span><code>{escape(path)}</code>"
    yield f"<div class=said>{escape(operation.get('description') or operation['summary'])}</div></summary><table>"
    for parameter in operation.get("parameters", []):
        yield _row(parameter["name"], f"in {parameter['in']}", parameter.get("description", ""))
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    yield from _fields(schema, body)
    for status, answer in operation["responses"].items():
        yield _row(status, "answer", answer["description"])
    yield "</table></details>"


def _fields(schema: dict[str, Any], body: dict[str, Any]) -> Iterator[str]:
    named = schema["components"]["schemas"].get(body.get("$ref", "").rpartition("/")[2], {})
    for name, field in named.get("properties", {}).items():
        needed = "required" if name in named.get("required", []) else "optional"
        yield _row(name, f"{needed} {_type(field)}", field.get("description", ""))


def _type(field: dict[str, Any]) -> str:
    found = [option for option in field.get("oneOf", [field]) if option.get("type") != "null"]
    kinds = {" | ".join(map(str, option["enum"])) if "enum" in option else option.get("type", "") for option in found}
    return ", ".join(sorted(map(str, kinds - {""})))


def _row(*cells: str) -> str:
    name, *rest = (escape(cell) for cell in cells)
    return f"<tr><td><code>{name}</code></td>" + "".join(f"<td>{cell}</td>" for cell in rest) + "</tr>"
