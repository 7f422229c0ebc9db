"""Server faults: the problem documents of what is no mistake of the client, 503 and 500."""

from typing import Any

from litestar import Request

from api.http.deadline import DeadlineExceeded
from api.http.problem_document import problem_response
from api.http.response import Response
from commands.handling.append import OutcomeUnknown
from domain.errors import UnknownEvent
from infra.blobs.blob_store import BlobMissing
from infra.database.circuit import DatabaseUnavailable
from infra.logs import logger
from infra.reading.progress import ProjectionBehind
from infra.reading.progress_waiting import ShuttingDown


def behind_response(request: Request[Any, Any, Any], error: ProjectionBehind) -> Response[bytes]:
    if isinstance(error, ShuttingDown):
        return problem_response(request, 503, "shutting_down", "This server is shutting down. Try again.")
    return problem_response(request, 503, "projection_behind", "The read model does not include that position yet.")


def deadline_response(request: Request[Any, Any, Any], error: DeadlineExceeded) -> Response[bytes]:
    del error
    return problem_response(request, 503, "deadline_exceeded", "This takes too long right now. Try again.")


def outcome_unknown_response(request: Request[Any, Any, Any], error: OutcomeUnknown) -> Response[bytes]:
    del error
    detail = "Send it again with the same Idempotency-Key to find out; without a key, look before you repeat it."
    return problem_response(
        request, 503, "outcome_unknown", "It is not known whether this was carried out.", detail=detail
    )


def storage_error_response(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    if not isinstance(error, DatabaseUnavailable):  # which the circuit logs, once
        logger.warning("storage: {}", error)
    return problem_response(request, 503, "storage_unavailable", "The database does not respond. Try again.")


def unknown_event_response(request: Request[Any, Any, Any], error: UnknownEvent) -> Response[bytes]:
    logger.error("unreadable: {}", error)
    detail = "Nothing is lost, but it cannot be changed here."
    return problem_response(
        request, 500, "unknown_event", "A newer Taskledger wrote data that this one cannot read.", detail=detail
    )


def blob_missing_response(request: Request[Any, Any, Any], error: BlobMissing) -> Response[bytes]:
    logger.error("the bytes of an attachment are missing: {}", error)
    detail = "The operator may have them in a backup."
    return problem_response(request, 500, "blob_missing", "The bytes of this attachment are missing.", detail=detail)


def internal_error_response(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    logger.opt(exception=error).error("unexpected: {}", type(error).__name__)
    return problem_response(request, 500, "internal_error", "An internal error occurred. It is not your mistake.")
