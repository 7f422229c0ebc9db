"""The /docs page: the OpenAPI document as static HTML, without scripts or external resources."""

from collections.abc import Iterator
from html import escape

from api.openapi.page.css import CSS
from api.openapi.page.html import anchor_id, render_text, render_type, resolve_ref
from api.openapi.page.operation_section import render_fields, render_operation
from api.openapi.schemas import Schema

PREPARATION = r"""
server=http://127.0.0.1:8000
api=$server/api/v1
field() { python3 -c "import json, sys; print(json.load(sys.stdin)['$1'])"; }
call() { curl -sS -H "Authorization: Bearer ${token-}" -H "Content-Type: application/json" "$@"; }

user=$(call $api/auth/register -d '{"email": "ann@example.com", "name": "Ann", "password": "correct horse battery"}' | field id)
token=$(call $api/auth/login -d '{"email": "ann@example.com", "password": "correct horse battery"}' | field access_token)
workspace=$(call $api/workspaces -d '{"name": "Home"}' | field id)
project=$(call $api/workspaces/$workspace/projects -d '{"name": "Kitchen", "key": "KIT"}' | field id)
task=$(call $api/projects/$project/tasks -d '{"title": "Milk"}' | field id)
""".strip()  # noqa: E501 - lines of the README
"""The first commands of the README: they set the variables of all examples but one."""
MORE_PREPARATION = r"""
saved_filter=$(call $api/filters -d '{"name": "Due today", "filter": "assignee:me due<now"}' | field id)
""".strip()
"""Sets the other."""


def render_page(document: Schema) -> str:
    """The complete page."""
    return "".join(_render_page(document))


def _render_page(document: Schema) -> Iterator[str]:
    title = escape(document["info"]["title"])
    yield "<!doctype html><html lang=en><meta charset=utf-8>"
    yield "<meta name=viewport content='width=device-width, initial-scale=1'>"
    yield f"<title>{title}</title><style>{CSS}</style><body>"
    yield f"<nav><b>{title}</b>{''.join(_nav_links(document))}</nav><main><h1>{title}</h1>"
    yield render_text(document["info"]["description"])
    yield "<p>For programs: <a href=/openapi.json>/openapi.json</a> (OpenAPI 3.1), <a href=/schemas/events>"
    yield "/schemas/events</a>, <a href=/problems>/problems</a>.</p>"
    yield f"<h3>Register, log in and create a task</h3><pre>{escape(PREPARATION)}\n{escape(MORE_PREPARATION)}</pre>"
    for tag in document["tags"]:
        yield f"<h2 id={anchor_id(tag['name'])}>{escape(tag['name'])}</h2>"
        yield render_text(tag["description"].partition(": ")[2].capitalize())
        for path, methods in document["paths"].items():
            for method, operation in methods.items():
                if tag["name"] in operation["tags"]:
                    yield from render_operation(document, method, path, operation)
    yield f"<h2 id=types>Types</h2>{''.join(_type_sections(document))}</main>"


def _nav_links(document: Schema) -> Iterator[str]:
    yield from (f"<a href=#{anchor_id(tag['name'])}>{escape(tag['name'])}</a>" for tag in document["tags"])
    yield "<a href=#types>Types</a>"


def _type_sections(document: Schema) -> Iterator[str]:
    for name, schema in document["components"]["schemas"].items():
        yield f"<details id=schema-{name}><summary><code>{name}</code> <span class=note>"
        yield f"{render_text(schema.get('description', ''))}</span></summary>"
        if "enum" in schema:
            yield f"<p>{render_type(schema)}</p>"
        yield from render_fields(resolve_ref(document, schema))
        yield "</details>"
