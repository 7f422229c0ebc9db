"""One operation on the page: what to send, what comes back, and how it can say no."""

import json
import shlex
from collections.abc import Iterator
from html import escape
from typing import Any

from api.http.problems import PROBLEM_MEDIA_TYPE
from api.openapi.page.html import example, resolved, said, table, typed
from api.openapi.schemas import Schema


def shown(document: Schema, method: str, path: str, operation: Schema) -> Iterator[str]:
    """A line that unfolds."""
    public = "<span class=public>public</span>" if operation.get("security") == [{}] else ""
    yield f"<details id={operation['operationId']}><summary><span class='verb {method}'>{method}</span>"
    yield f"<code>{escape(path)}</code>{public}<span class=said>{said(operation['summary'])}</span></summary>"
    yield f"<div>{said(operation.get('description', ''))}</div>"
    yield f"<pre>{escape(_curl(method, path, operation, document))}</pre>"
    parameters = [resolved(document, one) for one in operation.get("parameters", [])]
    yield _titled("Parameters", table(_parameter(one) for one in parameters if one["name"] != "traceparent"))
    if "requestBody" in operation:
        content = _content(operation["requestBody"])
        yield _titled("Body", "".join(fields(resolved(document, content["schema"]))))
    answers = {status: resolved(document, one) for status, one in operation["responses"].items()}
    for status, answer in answers.items():
        if PROBLEM_MEDIA_TYPE not in answer.get("content", {}):
            yield _titled(f"Answer {status}", "".join(_yes(document, answer)))
    yield _titled("Problems", table(_no(document, answers), "no"))
    yield "</details>"


def fields(schema: Schema) -> Iterator[str]:
    """The fields of an object."""
    needed = schema.get("required", [])
    yield table(
        (
            f"<code>{escape(name)}</code>",
            "required" if name in needed else "",
            typed(field),
            said(field.get("description", "") or _inner(field)),
        )
        for name, field in schema.get("properties", {}).items()
    )


def _inner(field: Schema) -> str:
    return next((str(one["description"]) for one in field.get("anyOf", []) if "description" in one), "")


def _titled(title: str, content: str) -> str:
    return f"<h4>{title}</h4><div>{content}</div>" if content else ""


def _parameter(one: Schema) -> Iterator[str]:
    yield f"<code>{escape(one['name'])}</code>"
    yield one["in"] + (", required" if one.get("required") else "")
    yield typed(one["schema"])
    yield (
        said(one.get("description", ""))
        + f"<span class=said>for example <code>{escape(str(one['example']))}</code></span>"
    )


def _yes(document: Schema, answer: Schema) -> Iterator[str]:
    yield said(answer["description"])
    named = {name: resolved(document, one) for name, one in answer.get("headers", {}).items()}
    yield table((f"<code>{name}</code>", said(one["description"])) for name, one in named.items() if name != "Trace-Id")
    for kind, content in answer.get("content", {}).items():
        yield f"<p>{typed(content['schema'])}, as <code>{escape(kind)}</code></p>"
        if "example" in content:
            yield example(content["example"])


def _no(document: Schema, answers: dict[str, Schema]) -> Iterator[tuple[str, ...]]:
    for status, answer in answers.items():
        for named in answer.get("content", {}).get(PROBLEM_MEDIA_TYPE, {}).get("examples", {}).values():
            value = resolved(document, named)["value"]
            code = escape(value["code"])
            yield (f"<code>{status}</code>", f"<a href=/problems/{code}><code>{code}</code></a>", said(value["title"]))


def _content(body: Schema) -> Any:
    return body["content"]["application/json"]


def _curl(method: str, path: str, operation: Schema, document: Schema) -> str:
    """How to ask for it from a shell."""
    for one in (resolved(document, each) for each in operation.get("parameters", [])):
        path = path.replace(f"{{{one['name']}}}", str(one["example"]))
    verb = "" if method == "get" else f"-X {method.upper()} "
    lines = [f"curl -sS {verb}$api{path}"]
    if operation.get("security") != [{}]:
        lines.append('-H "Authorization: Bearer $token"')
    if "requestBody" in operation:
        lines.append('-H "Content-Type: application/json"')
        lines.append(f"-d {shlex.quote(json.dumps(_content(operation['requestBody'])['example']))}")
    return " \\\n  ".join(lines)
