"""Response headers: their descriptions, and which responses have them."""

from collections.abc import Iterable, Iterator
from http import HTTPStatus
from typing import Any, Final

from api import ledger
from api.http import idempotency
from api.http.conditional_response import (
    STALE_HEADER,
    ZONE_HEADER,
    command_headers,
    conditional_response,
)
from api.http.memento import MEMENTO_NAME
from api.openapi import examples
from api.openapi.operation import Operation
from api.openapi.schemas import Schema
from api.queries import Queries
from api.task_queries import name_zone

HEADER_COMPONENTS: Final[dict[str, Schema]] = {
    "ETag": {
        "required": True,
        "description": "The entity tag of the answer; for an object with a version: the version, a dash and a hash.",
        "schema": {"type": "string"},
        "example": '"3-9f2c41d07be3"',
    },
    "Taskledger-Position": {
        "required": True,
        "description": "The position of the log that the answer includes.",
        "schema": {"type": "string", "pattern": "^[0-9]+$"},
        "example": "1042",
    },
    "Age": {
        "description": "How old the answer may be, in seconds. Absent if the answer is current.",
        "schema": {"type": "string", "pattern": "^[0-9]+$"},
        "example": "42",
    },
    "Taskledger-Stale": {
        "description": "`true` while the database is unavailable: the answer may be out of date.",
        "schema": {"type": "string", "enum": ["true"]},
        "example": "true",
    },
    ZONE_HEADER: {
        "description": "The zone of the days in the filter: yours, else the workspace's, else UTC. Absent without any.",
        "schema": {"type": "string"},
        "example": "Europe/Vienna",
    },
    MEMENTO_NAME: {
        "description": "The time as of which the answer is, if it was asked about the past (RFC 7089).",
        "schema": {"type": "string"},
        "example": "Mon, 30 Nov 2026 09:00:00 GMT",
    },
    "Location": {
        "required": True,
        "description": "The address of the created object.",
        "schema": {"type": "string"},
        "example": f"/api/v1/tasks/{examples.example_id('task')}",
    },
    "Link": {
        "description": 'The next page, as `rel="next"`; absent on the last one.',
        "schema": {"type": "string"},
        "example": f'</api/v1/workspaces?cursor={examples.EXAMPLE_BY_FIELD["cursor"]}>; rel="next"',
    },
    "Idempotent-Replayed": {
        "description": "`true` if the request was executed before under the same key, and nothing was done now.",
        "schema": {"type": "string", "enum": ["true"]},
        "example": "true",
    },
    "Retry-After": {
        "required": True,
        "description": "Retry after this many seconds.",
        "schema": {"type": "string", "pattern": "^[0-9]+$"},
        "example": "1",
    },
    "RateLimit": {
        "description": "The limit nearest to its end, what remains of it (`r`), and the seconds until it is whole "
        "again; with 429, until a retry is allowed (`t`). Absent if limits are disabled.",
        "schema": {"type": "string", "pattern": '^"[a-z-]+";r=[0-9]+;t=[0-9]+$'},
        "example": '"write-token";r=29998;t=1',
    },
    "RateLimit-Policy": {
        "description": "The quota of that limit (`q`) in a window of seconds (`w`). Absent if limits are disabled.",
        "schema": {"type": "string"},
        "example": '"write-token";q=30000;w=60',
    },
    "WWW-Authenticate": {
        "required": True,
        "description": "The authentication scheme to use.",
        "schema": {"type": "string"},
        "example": "Bearer",
    },
    "Trace-Id": {
        "required": True,
        "description": "The trace id of the request, 32 hexadecimal digits; include it in a bug report.",
        "schema": {"type": "string", "pattern": "^[0-9a-f]{32}$"},
        "example": examples.EXAMPLE_BY_FIELD["trace_id"],
    },
}
"""Every response has a `Trace-Id`."""


def headers_of(operation: Operation, status: int) -> dict[str, Schema]:
    """The headers of a successful response; that of a dry run has only the position."""
    if operation.is_dry_run_status(status):
        return header_refs(["Taskledger-Position", *general_headers(operation)])
    headers = _success_headers(operation)
    if operation.endpoint.takes_commands and status == HTTPStatus.OK:
        for name in headers.keys() & {"ETag", "Location"}:
            headers |= optional_header(name)
    return headers


def _success_headers(operation: Operation) -> dict[str, Schema]:
    own_headers = {
        each.name: _header_object(each) for each in operation.endpoint.response_headers if each.documentation_only
    }
    return (
        header_refs(
            name
            for name in HEADER_COMPONENTS
            if name in {*general_headers(operation), *_implied_headers(operation)} - own_headers.keys()
        )
        | own_headers
    )


def general_headers(operation: Operation) -> list[str]:
    """The headers of every response, whatever its status."""
    return ["RateLimit", "RateLimit-Policy", "Trace-Id"] if operation.endpoint.is_limited else ["Trace-Id"]


def header_refs(names: Iterable[str]) -> dict[str, Schema]:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def optional_header(name: str) -> dict[str, Schema]:
    """A header that only some of these responses have."""
    return {name: {**HEADER_COMPONENTS[name], "required": False}}


def _implied_headers(operation: Operation) -> Iterator[str]:
    called = operation.reachable_functions
    if conditional_response in called or ledger.write_response in called:
        yield "ETag"
    if conditional_response in called or command_headers in called:
        yield "Taskledger-Position"
    if Queries.fetch in called:
        yield from ("Age", STALE_HEADER)
    if name_zone in called:
        yield ZONE_HEADER
    if "as_of" in operation.endpoint.query_type.__struct_fields__:
        yield MEMENTO_NAME
    if conditional_response in called and "cursor" in operation.endpoint.query_type.__struct_fields__:
        yield "Link"
    if command_headers in called and idempotency.idempotency_key in called:
        yield "Idempotent-Replayed"
    if ledger.write_response in called and any(kind.creates for kind in operation.command_types):
        yield "Location"


def _header_object(header: Any) -> Schema:
    if header.name in HEADER_COMPONENTS and not header.description:
        return {"$ref": f"#/components/headers/{header.name}"}
    return {"description": header.description or header.name, "schema": {"type": "string"}}
