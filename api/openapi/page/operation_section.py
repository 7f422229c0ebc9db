"""The section of one operation on the /docs page: parameters, body, responses and problems."""

import json
import shlex
from collections.abc import Iterator
from html import escape
from typing import Any

from api.http.problem_document import PROBLEM_MEDIA_TYPE
from api.ledger import BASE_PATH
from api.openapi.examples import example_id
from api.openapi.page.html import as_text, render_json, render_table, render_text, render_type, resolve_ref
from api.openapi.schemas import BINARY, Schema

EXAMPLE_FILE = "plan.pdf"
EXAMPLE_VARIABLES = ("user", "workspace", "project", "task", "saved_filter")
"""Parameters of paths that the first commands on the page set a shell variable for."""


def render_operation(document: Schema, method: str, path: str, operation: Schema) -> Iterator[str]:
    """A collapsible section."""
    public = "<span class=public>public</span>" if operation.get("security") == [] else ""
    yield f"<details id={operation['operationId']}><summary><span class='verb {method}'>{method}</span>"
    yield f"<code>{escape(path)}</code>{public}<span class=note>{render_text(operation['summary'])}</span></summary>"
    yield f"<div>{render_text(operation.get('description', ''))}</div>"
    yield f"<pre>{escape(_curl_command(method, path, operation, document))}</pre>"
    parameters = [resolve_ref(document, one) for one in operation.get("parameters", [])]
    yield _section(
        "Parameters", render_table(_parameter_row(one) for one in parameters if one["name"] != "traceparent")
    )
    if "requestBody" in operation:
        yield _section("Body", _body(operation["requestBody"], document))
    responses = {status: resolve_ref(document, one) for status, one in operation["responses"].items()}
    for status, response in responses.items():
        if PROBLEM_MEDIA_TYPE not in response.get("content", {}):
            yield _section(f"Answer {status}", "".join(_success_parts(document, response)))
    yield _section("Problems", render_table(_problem_rows(document, responses), "problems"))
    yield "</details>"


def render_fields(schema: Schema) -> Iterator[str]:
    """The fields of an object."""
    required = schema.get("required", [])
    yield render_table(
        (
            f"<code>{escape(name)}</code>",
            "required" if name in required else "",
            render_type(field),
            render_text(field.get("description", "") or _any_of_description(field)),
        )
        for name, field in schema.get("properties", {}).items()
    )


def _any_of_description(field: Schema) -> str:
    return next((str(one["description"]) for one in field.get("anyOf", []) if "description" in one), "")


def _body(request_body: Schema, document: Schema) -> str:
    ((media_type, content),) = request_body["content"].items()
    if media_type == BINARY:
        return render_text(request_body["description"])
    return "".join(render_fields(resolve_ref(document, content["schema"])))


def _section(title: str, content: str) -> str:
    return f"<h4>{title}</h4><div>{content}</div>" if content else ""


def _parameter_row(parameter: Schema) -> Iterator[str]:
    yield f"<code>{escape(parameter['name'])}</code>"
    yield parameter["in"] + (", required" if parameter.get("required") else "")
    yield render_type(parameter["schema"])
    yield (
        render_text(parameter.get("description", ""))
        + f"<span class=note>for example <code>{escape(as_text(parameter['example']))}</code></span>"
    )


def _success_parts(document: Schema, response: Schema) -> Iterator[str]:
    yield render_text(response["description"])
    headers = {name: resolve_ref(document, one) for name, one in response.get("headers", {}).items()}
    yield render_table(
        (f"<code>{name}</code>", render_text(one["description"])) for name, one in headers.items() if name != "Trace-Id"
    )
    for media_type, content in response.get("content", {}).items():
        yield f"<p>{render_type(content['schema'])}, as <code>{escape(media_type)}</code></p>"
        if "example" in content:
            yield render_json(content["example"])


def _problem_rows(document: Schema, responses: dict[str, Schema]) -> Iterator[tuple[str, ...]]:
    for status, response in responses.items():
        for example in response.get("content", {}).get(PROBLEM_MEDIA_TYPE, {}).get("examples", {}).values():
            value = resolve_ref(document, example)["value"]
            code = escape(value["code"])
            yield (
                f"<code>{status}</code>",
                f"<a href=/problems/{code}><code>{code}</code></a>",
                render_text(value["title"]),
            )


def _curl_command(method: str, path: str, operation: Schema, document: Schema) -> str:
    """The curl command that calls the operation, with the variables that the first example sets."""
    parameters = [resolve_ref(document, each) for each in operation.get("parameters", [])]
    for one in parameters:
        is_set = one["name"] in EXAMPLE_VARIABLES and one["example"] == example_id(one["name"])
        value = f"${one['name']}" if is_set else as_text(one["example"])
        path = path.replace(f"{{{one['name']}}}", value)
    verb = "" if method == "get" else f"-X {method.upper()} "
    address = f"$api{path.removeprefix(BASE_PATH)}" if path.startswith(BASE_PATH) else f"$server{path}"
    query = [f"{one['name']}={one['example']}" for one in parameters if one["in"] == "query" and one.get("required")]
    lines = [f"curl -sS {verb}" + (f'"{address}?{"&".join(query)}"' if query else address)]
    if operation.get("security") != []:
        lines.append('-H "Authorization: Bearer $token"')
    lines += [
        "-H " + shlex.quote(f"{one['name']}: {one['example']}")
        for one in parameters
        if one["in"] == "header" and one.get("required")
    ]
    for media_type, content in operation.get("requestBody", {"content": {}})["content"].items():
        lines.append(f'-H "Content-Type: {media_type}"')
        lines.append(f"-T {EXAMPLE_FILE}" if media_type == BINARY else f"-d {_body_argument(content['example'])}")
    return " \\\n  ".join(lines)


def _body_argument(example: Any) -> str:
    """A body as an argument in the shell, with the variables that the first example sets for ids."""
    argument = shlex.quote(json.dumps(example))
    for name in EXAMPLE_VARIABLES:
        argument = argument.replace(example_id(name), f"'${name}'")
    return argument
