"""A body: JSON decoded once, straight into the command that it is, or refused with the place that is wrong."""

import math
import re
from functools import cache
from typing import Any, ClassVar, TypeVar

import msgspec
from litestar import Request
from litestar.dto import AbstractDTO
from litestar.exceptions import ClientException, InternalServerException
from litestar.exceptions.http_exceptions import RequestEntityTooLarge
from litestar.handlers import BaseRouteHandler
from litestar.openapi.spec import Reference, Schema
from litestar.typing import FieldDefinition

from api.http import headers
from api.http.problems import Malformed
from commands.field_types import meant

T = TypeVar("T")
JSON_TYPES = {"application/json"}
MERGE_PATCH = JSON_TYPES | {"application/merge-patch+json"}
_INDEX = re.compile(r"\[(\d+)\]")
_PLACE = re.compile(r" - at `\$\.?(.*)`$")


class BodyRequest(Request[Any, Any, Any]):
    """A request without a body asks for the same as one with `{}`."""

    _read: bytes | None = None

    async def body(self) -> bytes:
        """All of it, kept for whoever asks again. Raises RequestEntityTooLarge."""
        if self._read is None:
            most = self.route_handler.resolve_request_max_body_size() or math.inf
            if self._announced() > most:
                raise RequestEntityTooLarge
            self._read = await self._receive(most) or b"{}"
        return self._read

    def _announced(self) -> int:
        said = headers.first(self, b"content-length", "0")
        try:
            return int(said)
        except ValueError:
            raise ClientException(f"Invalid content-length: {said!r}") from None

    async def _receive(self, most: float) -> bytes:
        body, more = bytearray(), True
        while more:
            message = await self.receive()
            if message["type"] != "http.request":
                raise InternalServerException("client disconnected prematurely")
            body += message.get("body", b"")
            if len(body) > most:
                raise RequestEntityTooLarge
            more = message.get("more_body", False)
        return bytes(body)


class JSON(AbstractDTO[Any]):
    """Decodes the `data` of a handler into the type it is annotated with."""

    _types: ClassVar[dict[str, type]] = {}

    @classmethod
    def create_for_field_definition(
        cls, field_definition: FieldDefinition, handler_id: str, backend_cls: Any = None
    ) -> None:
        del backend_cls
        cls._types[handler_id] = field_definition.annotation

    @classmethod
    def create_openapi_schema(
        cls, field_definition: FieldDefinition, handler_id: str, schema_creator: Any
    ) -> Reference | Schema:
        del handler_id
        schema: Reference | Schema = schema_creator.for_field_definition(field_definition)
        return schema

    @classmethod
    def generate_field_definitions(cls, model_type: type[Any]) -> Any:
        del model_type
        return iter(())

    @classmethod
    def detect_nested_field(cls, field_definition: FieldDefinition) -> bool:
        del field_definition
        return False

    def decode_bytes(self, value: bytes) -> Any:
        """Raise Malformed for anything but the right JSON under the right content type."""
        request: Any = self.asgi_connection
        kind = headers.first(request, b"content-type")
        if kind or value != b"{}":
            _check_type(request, kind)
        return decode(value, self._types[_name(request.route_handler)])


@cache
def _name(handler: BaseRouteHandler) -> str:
    """The framework works it out anew each time."""
    return handler.handler_id


def decode(body: bytes, kind: type) -> Any:
    """A body as a Struct; raises Malformed with the pointer of what is wrong."""
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError as error:
        raise _invalid(error, "#") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Malformed("invalid_json", f"The body is not JSON: {error}") from error
    except RecursionError as error:
        raise Malformed("invalid_json", "The body is nested too deeply.") from error


def convert(found: Any, kind: type[T], here: str) -> T:
    """A part of a body, decoded already, as a Struct; raises Malformed with the pointer of what is wrong."""
    try:
        return msgspec.convert(found, kind)
    except msgspec.ValidationError as error:
        raise _invalid(error, here) from error


def _invalid(error: msgspec.ValidationError, here: str) -> Malformed:
    place = _PLACE.search(str(error))
    inside = "/" + _INDEX.sub(r"/\1", place[1]).replace(".", "/") if place else ""
    return Malformed("invalid_body", meant(_PLACE.sub("", str(error))), pointer=(here + inside).replace("//", "/"))


def _check_type(request: Any, kind: str) -> None:
    wanted = MERGE_PATCH if request.method == "PATCH" else JSON_TYPES
    if kind.partition(";")[0].strip().lower() not in wanted:
        raise Malformed("unsupported_media_type", "Send JSON, as application/json.", status=415)
    if headers.first(request, b"content-encoding", "identity") != "identity":
        raise Malformed("unsupported_media_type", "Send the body as it is, without a content encoding.", status=415)
