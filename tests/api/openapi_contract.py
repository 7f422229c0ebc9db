"""The OpenAPI contract: checks that every response is described by the document."""

import re
from functools import cache, cached_property
from typing import Any

import httpx
import jsonschema_rs

from api.app import all_endpoints
from api.http.problem_document import PROBLEM_MEDIA_TYPE
from api.openapi.document import build_document

_CONDITIONAL_HEADERS = (
    "etag",
    "taskledger-position",
    "taskledger-stale",
    "age",
    "location",
    "link",
    "retry-after",
    "idempotent-replayed",
)
"""Headers that a response may have only if they are described for it."""
PLANTED_ERROR_STATUS = 500
"""Internal errors provoked by tests are not part of the contract."""


class OpenApiContract:
    """Checks responses against an OpenAPI document."""

    def __init__(self, description: dict[str, Any]) -> None:
        self.description = description
        self._validators = dict[str, jsonschema_rs.Validator]()

    async def check(self, answer: httpx.Response) -> None:
        """Assert that the response is described: its status, headers, media type and body."""
        operation = self._operation(answer.request)
        if operation is None or answer.status_code == PLANTED_ERROR_STATUS:
            return
        await answer.aread()
        message = f"{operation['operationId']}: {answer.status_code} {answer.text[:300]}"
        found = operation["responses"].get(str(answer.status_code))
        assert found, f"an answer that is not described: {message}"
        self._check_headers(answer, self._resolve(found).get("headers", {}), message)
        self._check_body(answer, self._resolve(found).get("content", {}), message)

    def _operation(self, request: httpx.Request) -> dict[str, Any] | None:
        for pattern, methods in self._paths:
            if pattern.fullmatch(request.url.path) and request.method.lower() in methods:
                operation: dict[str, Any] = methods[request.method.lower()]
                return operation
        return None

    @cached_property
    def _paths(self) -> list[tuple[re.Pattern[str], dict[str, Any]]]:
        paths = self.description["paths"]
        return [(re.compile(re.sub(r"{\w+}", "[^/]+", path)), methods) for path, methods in sorted(paths.items())]

    def _check_headers(self, answer: httpx.Response, headers: dict[str, Any], message: str) -> None:
        for name, header in headers.items():
            described = self._resolve(header)
            assert name in answer.headers or not described.get("required"), f"{name} is missing: {message}"
            if name in answer.headers:
                assert re.search(described["schema"].get("pattern", ""), answer.headers[name]), f"{name}: {message}"
        for name in _CONDITIONAL_HEADERS:
            assert name not in answer.headers or name in {known.lower() for known in headers}, f"{name}: {message}"

    def _check_body(self, answer: httpx.Response, content: dict[str, Any], message: str) -> None:
        kind = answer.headers.get("content-type", "").partition(";")[0]
        if not content:
            assert not answer.content, message
            return
        by_kind = {name.partition(";")[0]: one for name, one in content.items()}
        assert kind in by_kind, f"{kind}: {message}"
        if kind.endswith("json"):
            self._check_schema(answer, by_kind[kind]["schema"], message)
        if kind == PROBLEM_MEDIA_TYPE:
            assert answer.json()["code"] in by_kind[kind]["examples"], f"a problem that is not described: {message}"

    def _check_schema(self, answer: httpx.Response, schema: dict[str, Any], message: str) -> None:
        known = str(schema)
        if known not in self._validators:
            self._validators[known] = validator({**schema, "components": self.description["components"]})
        error = next(self._validators[known].iter_errors(answer.json()), None)
        assert error is None, f"{error}: {message}"

    def _resolve(self, node: dict[str, Any]) -> dict[str, Any]:
        while "$ref" in node:
            place: Any = self.description
            for part in node["$ref"].removeprefix("#/").split("/"):
                place = place[part]
            node = place
        return node


@cache
def app_contract() -> OpenApiContract:
    """The contract of this code; built before anything is timed."""
    return OpenApiContract(build_document(all_endpoints()))


def validator(schema: dict[str, Any]) -> jsonschema_rs.Validator:
    """A validator that checks formats too: UUIDs, and times with an offset."""
    return jsonschema_rs.Draft202012Validator(schema, validate_formats=True)
