"""The contract: whether an answer is one that the OpenAPI description says there can be."""

import re
from functools import cache, cached_property
from typing import Any

import httpx
import jsonschema_rs

from api.app import create_litestar
from api.http.problems import PROBLEM_MEDIA_TYPE
from api.openapi.document import build_document
from scripts.reference.found import UNREACHABLE_SETTINGS

_SAID = (
    "etag",
    "taskledger-position",
    "taskledger-stale",
    "age",
    "location",
    "link",
    "retry-after",
    "idempotent-replayed",
)
"""Headers that an answer has only where it is described with them."""
PLANTED = 500
"""What a test makes go wrong inside is no part of the contract."""


class Contract:
    """Holds every answer against a description."""

    def __init__(self, described: dict[str, Any]) -> None:
        self.described = described
        self._validators = dict[str, jsonschema_rs.Validator]()

    async def holds(self, answer: httpx.Response) -> None:
        """Assert that the answer is described: its status, headers, media type, and the form of its body."""
        operation = self._operation(answer.request)
        if operation is None or answer.status_code == PLANTED:
            return
        await answer.aread()
        told = f"{operation['operationId']}: {answer.status_code} {answer.text[:300]}"
        found = operation["responses"].get(str(answer.status_code))
        assert found, f"an answer that is not described: {told}"
        self._headers(answer, self._resolved(found).get("headers", {}), told)
        self._body(answer, self._resolved(found).get("content", {}), told)

    def _operation(self, request: httpx.Request) -> dict[str, Any] | None:
        for pattern, methods in self._paths:
            if pattern.fullmatch(request.url.path) and request.method.lower() in methods:
                operation: dict[str, Any] = methods[request.method.lower()]
                return operation
        return None

    @cached_property
    def _paths(self) -> list[tuple[re.Pattern[str], dict[str, Any]]]:
        paths = self.described["paths"]
        return [(re.compile(re.sub(r"{\w+}", "[^/]+", path)), methods) for path, methods in sorted(paths.items())]

    def _headers(self, answer: httpx.Response, headers: dict[str, Any], told: str) -> None:
        for name, header in headers.items():
            described = self._resolved(header)
            assert name in answer.headers or not described.get("required"), f"{name} is missing: {told}"
            if name in answer.headers:
                assert re.search(described["schema"].get("pattern", ""), answer.headers[name]), f"{name}: {told}"
        for name in _SAID:
            assert name not in answer.headers or name in {known.lower() for known in headers}, f"{name}: {told}"

    def _body(self, answer: httpx.Response, content: dict[str, Any], told: str) -> None:
        kind = answer.headers.get("content-type", "").partition(";")[0]
        if not content:
            assert not answer.content, told
            return
        by_kind = {name.partition(";")[0]: one for name, one in content.items()}
        assert kind in by_kind, f"{kind}: {told}"
        if kind.endswith("json"):
            self._valid(answer, by_kind[kind]["schema"], told)
        if kind == PROBLEM_MEDIA_TYPE:
            assert answer.json()["code"] in by_kind[kind]["examples"], f"a problem that is not described: {told}"

    def _valid(self, answer: httpx.Response, schema: dict[str, Any], told: str) -> None:
        known = str(schema)
        if known not in self._validators:
            self._validators[known] = validator({**schema, "components": self.described["components"]})
        error = next(self._validators[known].iter_errors(answer.json()), None)
        assert error is None, f"{error}: {told}"

    def _resolved(self, found: dict[str, Any]) -> dict[str, Any]:
        while "$ref" in found:
            place: Any = self.described
            for part in found["$ref"].removeprefix("#/").split("/"):
                place = place[part]
            found = place
        return found


@cache
def ours() -> Contract:
    """That of this code; made before anything is timed."""
    return Contract(build_document(create_litestar(UNREACHABLE_SETTINGS)))


def validator(schema: dict[str, Any]) -> jsonschema_rs.Validator:
    """Formats count: a UUID is one, and a time has an offset."""
    return jsonschema_rs.Draft202012Validator(schema, validate_formats=True)
