"""The span of a diff: the two moments that a request names, the second one pinned by its cursor."""

from datetime import UTC, datetime
from typing import Annotated, Final
from uuid import UUID

from msgspec import Meta, Struct
from msgspec.structs import replace

from api.http.diff_parameters import DiffQuery
from api.http.malformed_request import MalformedRequest
from api.http.parameters import parse_time
from commands.validation import FieldError, describe
from domain.diff import Kind
from infra.log.event_log import EventLog
from projections.moment import Moment
from projections.span import Span

_BEGINNING: Final = Moment(0, datetime.min.replace(tzinfo=UTC))
"""Before the first event, by position and by time."""


class DiffCursor(Struct, frozen=True, array_like=True):
    """Where a page ended: after a document of a kind; and the second moment, which is the same on all pages."""

    kind: Kind
    id: UUID
    to_position: Annotated[int, Meta(ge=0, le=2**63 - 1)]
    to: Annotated[datetime, Meta(tz=True)] | None


async def find_span(log: EventLog, query: DiffQuery, cursor: DiffCursor | None) -> Span:
    """The span that a request names; raises InTheFuture, and MalformedRequest if it ends before it begins."""
    start = await _moment(log, parse_time(query.from_), query.from_position) or _BEGINNING
    if cursor:
        end = await _moment(log, cursor.to, cursor.to_position)
    else:
        end = await _moment(log, parse_time(query.to), query.to_position)
    end = end or await _last_moment(log, start)
    if not query.is_by_time:
        start, end = replace(start, at=None), replace(end, at=None)
    if start.position > end.position or (start.at and end.at and start.at > end.at):
        errors = [FieldError("?from", "invalid_value", "is later than to, which is now if it is not given")]
        raise MalformedRequest("invalid_parameter", describe(errors), errors=errors)
    return Span(start, end)


async def _moment(log: EventLog, at: datetime | None, position: int | None) -> Moment | None:
    if at is not None:
        return await log.moment_at(at)
    return None if position is None else await log.moment_at_position(position)


async def _last_moment(log: EventLog, start: Moment) -> Moment:
    """The moment after the last event, as a time too: no event happened later."""
    head = await log.moment_at_position(await log.head())
    return replace(head, at=max(at for at in (start.at, head.clock, _BEGINNING.at) if at))
