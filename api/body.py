"""A body: JSON decoded once, straight into the command that it is, or refused with the place that is wrong."""

import re
from functools import cache
from typing import Any, ClassVar, TypeVar

import msgspec
from litestar import Request
from litestar.dto import AbstractDTO
from litestar.handlers import BaseRouteHandler
from litestar.openapi.spec import Reference, Schema
from litestar.typing import FieldDefinition

from api.problems import Malformed
from commands.form import meant

T = TypeVar("T")
JSON_TYPES = {"application/json"}
MERGE_PATCH = JSON_TYPES | {"application/merge-patch+json"}
_INDEX = re.compile(r"\[(\d+)\]")
_PLACE = re.compile(r" - at `\$\.?(.*)`$")


class BodyRequest(Request[Any, Any, Any]):
    """A request without a body asks for the same as one with `{}`."""

    async def body(self) -> bytes:
        return await super().body() or b"{}"


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
        request = self.asgi_connection
        if value != b"{}" or request.headers.get("content-type"):
            _check_type(request)
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


def _check_type(request: Any) -> None:
    wanted = MERGE_PATCH if request.method == "PATCH" else JSON_TYPES
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in wanted:
        raise Malformed("unsupported_media_type", "Send JSON, as application/json.", status=415)
    if request.headers.get("content-encoding", "identity") != "identity":
        raise Malformed("unsupported_media_type", "Send the body as it is, without a content encoding.", status=415)
