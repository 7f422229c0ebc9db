"""Problems: how every error is answered, the framework's own among them."""

import re
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

import psycopg
from litestar import Request
from litestar.exceptions import HTTPException
from litestar.types import ASGIApp, Scope

from api.http import preconditions
from api.http.deadline import DeadlineExceeded
from api.http.endpoint import endpoint_of
from api.http.malformed_request import MalformedRequest as MalformedRequest  # noqa: PLC0414 - a name of this module
from api.http.problem_document import problem_response
from api.http.response import Response
from api.http.server_faults import (
    behind_response,
    blob_missing_response,
    deadline_response,
    internal_error_response,
    outcome_unknown_response,
    storage_error_response,
    unknown_event_response,
)
from commands.handling.append import OutcomeUnknown
from commands.validation import FieldError
from domain import errors
from domain.errors import Refusal, UnknownEvent, VersionConflict
from infra.blobs.blob_store import BlobMissing
from infra.reading.progress import ProjectionBehind

STATUS_BY_REFUSAL: dict[type[Refusal], int] = {
    errors.NotFound: 404,
    errors.Forbidden: 403,
    errors.ScopeTooNarrow: 403,
    errors.InvitedElsewhere: 403,
    errors.EmailNotVerified: 403,
    errors.FilterIsBuiltin: 403,
    errors.CommentIsAnothers: 403,
    errors.TimeEntryIsAnothers: 403,
    errors.Purged: 410,
    errors.IdTaken: 409,
    errors.ProjectKeyTaken: 409,
    errors.EmailTaken: 409,
    errors.VersionConflict: 409,
    errors.Contradicts: 409,
    errors.NothingMatches: 412,
    errors.VersionRequired: 428,
    errors.WrongCredentials: 401,
    errors.WrongPassword: 403,
    errors.InvalidRefreshToken: 401,
    errors.TooManyRequests: 429,
    errors.TooManyGuesses: 429,
    errors.TooManyRegistrations: 429,
    errors.TooManyInvitations: 429,
    errors.TooManyMails: 429,
    errors.RegistrationClosed: 403,
    errors.BadCursor: 400,
    errors.CursorMismatch: 400,
    errors.FilterSyntax: 400,
    errors.UnknownField: 400,
    errors.FilterValue: 400,
    errors.FilterTooLong: 400,
    errors.SortNeedsText: 400,
    errors.UnknownSortField: 400,
    errors.AmbiguousKey: 400,
    errors.TwinInFlight: 409,
    errors.AlreadyReverted: 409,
    errors.PreviewIsStale: 409,
    errors.ProposalClosed: 409,
    errors.ProposalOutdated: 409,
    errors.RevertCollides: 409,
    errors.TooBusy: 503,
    errors.Overloaded: 503,
    errors.MailUnavailable: 503,
    errors.AttachmentTooLarge: 413,
    errors.RangeNotSatisfiable: 416,
    errors.BlobsUnavailable: 503,
}
"""The status of each refusal; 422 if it is not listed."""

PARAMETER_REFUSALS = (
    errors.BadCursor,
    errors.FilterSyntax,
    errors.FilterTooLong,
    errors.FilterValue,
    errors.UnknownField,
)
"""Refusals of a text that may stand in the address."""

TITLE_BY_CODE = {
    "duplicate_key": "A key occurs twice in the request body.",
    "invalid_body": "The request body is invalid.",
    "invalid_column": "This is not the id or the name of a column.",
    "invalid_emoji": "This is not one emoji.",
    "invalid_file_name": "The name of the file is missing or invalid.",
    "invalid_id": "This is not a valid id.",
    "invalid_idempotency_key": "The Idempotency-Key is invalid.",
    "invalid_if_match": "If-Match is invalid or not allowed here.",
    "invalid_json": "The request body is not valid JSON.",
    "invalid_label": "The name of the label is invalid.",
    "invalid_parameter": "A parameter is invalid.",
    "invalid_session": "The Taskledger-Session is invalid.",
    "invalid_version": "This is not a version.",
    "not_found": errors.NotFound.title(),
    "places_differ": "The address and the body contradict each other.",
    "repeated_parameter": "A parameter is repeated.",
    "two_moments": "The request names two moments of the past.",
    "unknown_command": "There is no such command.",
    "unknown_parameter": "This endpoint has no such parameter.",
    "unsupported_encoding": "The body must be sent without a content encoding.",
    "unsupported_media_type": "The body must be sent as JSON.",
    "upload_interrupted": "The upload ended before the whole file had arrived.",
    "versions_differ": "The request contains two different versions.",
}
"""The title of each code that is no refusal's; any other code has the phrase of its status."""
_CODES_OF_SEVERAL_ERRORS = {"invalid_body", "invalid_parameter"}
"""Codes of a whole problem: each of its errors has a code of its own."""


def refusal_response(request: Request[Any, Any, Any], refusal: Refusal) -> Response[bytes]:
    status = next((STATUS_BY_REFUSAL[kind] for kind in type(refusal).__mro__ if kind in STATUS_BY_REFUSAL), 422)
    response = problem_response(
        request,
        status,
        refusal.code(),
        refusal.title(),
        detail=str(refusal),
        params=refusal.params or None,
        errors=_item_errors(refusal) or _query_errors(request, refusal),
    )
    if isinstance(refusal, errors.TwinInFlight):
        response.headers["Retry-After"] = "1"
    if isinstance(refusal, errors.RangeNotSatisfiable):
        response.headers["Content-Range"] = f"bytes */{refusal.params['size']}"
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        response.headers.update(_rate_limit_headers(**refusal.params))
    return response


def conflict_response(request: Request[Any, Any, Any], conflict: VersionConflict) -> Response[bytes]:
    """412 if an If-Match header named the version, else 409; what happened since is in members of its own."""
    status = 412 if preconditions.names_version(request) else STATUS_BY_REFUSAL[VersionConflict]
    members = {**conflict.params, "errors": _item_errors(conflict)}
    return problem_response(request, status, conflict.code(), conflict.title(), detail=str(conflict), **members)


def malformed_response(request: Request[Any, Any, Any], error: MalformedRequest) -> Response[bytes]:
    code = "invalid_value" if error.code in _CODES_OF_SEVERAL_ERRORS else error.code
    single = [{"pointer": error.pointer, "code": code, "detail": error.detail}] if error.pointer else None
    title = title_of(error.code, error.status)
    members = {"detail": error.detail, "errors": _members_of(error.errors) or single}
    return problem_response(request, error.status, error.code, title, **members)


def framework_error_response(request: Request[Any, Any, Any], error: HTTPException) -> Response[bytes]:
    """Errors of the framework: routing, authentication and bodies."""
    status, code = error.status_code, code_of(status_phrase(error.status_code))
    text = None if error.detail == HTTPStatus(status).phrase else error.detail
    response = problem_response(request, status, code, title_of(code, status), detail=text)
    response.headers.update(error.headers or {})
    return response


def _members_of(found: Sequence[FieldError]) -> list[dict[str, str]]:
    """The errors of a request as members of its problem."""
    return [{"pointer": one.pointer, "code": one.code, "detail": f"{one.sentence()}."} for one in found]


def status_phrase(status: int) -> str:
    """The phrase of a status; the old one if newer Pythons renamed it, as codes never change."""
    return _STABLE_PHRASES.get(status) or HTTPStatus(status).phrase


def title_of(code: str, status: int) -> str:
    """The title of a problem with that code, unless it is a refusal."""
    return TITLE_BY_CODE.get(code) or status_phrase(status)


def code_of(title: str) -> str:
    """`Not Found` is `not_found`."""
    return re.sub(r"[^a-z]+", "_", title.lower())


_STABLE_PHRASES = {413: "Request Entity Too Large", 414: "Request-URI Too Long", 422: "Unprocessable Entity"}


def error_response(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """The problem document of any error."""
    handler = next(EXCEPTION_HANDLERS[kind] for kind in type(error).__mro__ if kind in EXCEPTION_HANDLERS)
    response: Response[bytes] = handler(request, error)
    return response


def error_app(scope: Scope, error: Exception) -> ASGIApp:
    """The application that answers a request with the problem document of an error."""
    app: ASGIApp = error_response(Request(scope), error).to_asgi_response(None, None)
    return app


EXCEPTION_HANDLERS: dict[Any, Any] = {
    Refusal: refusal_response,
    MalformedRequest: malformed_response,
    VersionConflict: conflict_response,
    HTTPException: framework_error_response,
    ProjectionBehind: behind_response,
    psycopg.OperationalError: storage_error_response,
    psycopg.InterfaceError: storage_error_response,
    psycopg.errors.ReadOnlySqlTransaction: storage_error_response,  # a standby, until it is promoted
    DeadlineExceeded: deadline_response,
    OutcomeUnknown: outcome_unknown_response,
    UnknownEvent: unknown_event_response,
    BlobMissing: blob_missing_response,
    Exception: internal_error_response,
}


def _item_errors(refusal: Refusal) -> list[dict[str, str]] | None:
    """The part of the body that was refused."""
    if refusal.pointer is None:
        return None
    return [{"pointer": refusal.pointer, "code": refusal.code(), "detail": str(refusal)}]


def _query_errors(request: Request[Any, Any, Any], refusal: Refusal) -> list[dict[str, str]] | None:
    """All errors in the parameters of a query that was refused for one of them."""
    if not isinstance(refusal, PARAMETER_REFUSALS) or not request.scope["query_string"]:
        return None
    return _members_of(endpoint_of(request).query.errors(request)) or None


def _rate_limit_headers(*, policy: str, quota: int, window: int, retry_after: int) -> dict[str, str]:
    """The limit that was reached, after draft-ietf-httpapi-ratelimit-headers."""
    return {
        "Retry-After": str(retry_after),
        "RateLimit": f'"{policy}";r=0;t={retry_after}',
        "RateLimit-Policy": f'"{policy}";q={quota};w={window}',
    }
