"""The OpenAPI description: what it says of every endpoint alike, above all how each can say no."""

from http import HTTPStatus
from typing import Any

from litestar.handlers import HTTPRouteHandler
from litestar.openapi.datastructures import ResponseSpec
from litestar.types import Method
from msgspec import UNSET, Struct, UnsetType

from api import manner, parameters
from api.problems import PROBLEM

ALWAYS = (400, 503)
BODY = (413, 415)
PRIVATE = (401, 404, 410)
COMMAND = (403, 409, 412, 422, 428)


class Fault(Struct, frozen=True):
    """A part of the request that is wrong."""

    pointer: str
    code: str


class Problem(Struct, frozen=True):
    """What went wrong, for people and for programs (RFC 9457); `code` is stable."""

    type: str
    title: str
    status: int
    instance: str
    code: str
    trace_id: str
    detail: str | UnsetType = UNSET
    params: dict[str, object] | UnsetType = UNSET
    errors: list[Fault] | UnsetType = UNSET


def operation_id(handler: HTTPRouteHandler, _: Method, __: Any) -> str:
    """The name of the function, which is unique."""
    return handler.handler_name


def described(handler: HTTPRouteHandler) -> HTTPRouteHandler:
    """The endpoint, with its problems in its description; the option `refuses` names those that are its own."""
    handler.responses = {**_problems(handler), **(handler.responses or {})}
    if handler.opt.get("public"):
        handler.security = [{}]
    return manner.offered(handler) if parameters.commands(handler) else handler


def _problems(handler: HTTPRouteHandler) -> dict[int, ResponseSpec]:
    public = handler.opt.get("public", False)
    reading = handler.http_methods == {"GET"}
    usual = () if public else PRIVATE if reading else PRIVATE + COMMAND
    statuses = (*ALWAYS, *handler.opt.get("refuses", usual), *(() if reading else BODY))
    return {
        status: ResponseSpec(
            Problem, media_type=PROBLEM, description=HTTPStatus(status).phrase, generate_examples=False
        )
        for status in sorted(statuses)
    }
