"""The proposals of a workspace: one row for each, with what became of it. The log has its content."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from domain.event import OpaqueEvent, RecordedEvent
from domain.proposal import ProposalAccepted, ProposalDeclined, ProposalMade, ProposalStatus
from projections.pagination import PageCursor, encode_answer, list_id_for
from projections.projection import Projection, key_by_stream
from projections.question import WORKSPACE_MEMBERS, Answer, Question, single_table_question


class ProposalRow(Struct, frozen=True):
    """A proposal that the event at `position` made."""

    id: UUID
    workspace_id: UUID
    position: int
    status: ProposalStatus
    version: int
    decided_at: datetime | None = None
    decided_by: UUID | None = None
    reason: str | None = None


def fold(key: UUID, row: ProposalRow | None, recorded: RecordedEvent) -> ProposalRow | None:
    event, version, at = recorded.event, recorded.version, recorded.at
    match event:
        case ProposalMade():
            return ProposalRow(key, event.workspace_id, recorded.position, "pending", version)
        case ProposalAccepted() if row:
            return replace(row, status="accepted", version=version, decided_at=at, decided_by=event.accepted_by)
        case ProposalDeclined() if row:
            row = replace(row, status="declined", version=version, decided_at=at, decided_by=event.declined_by)
            return replace(row, reason=event.reason)
    return row


def scopes(row: ProposalRow) -> Iterable[UUID]:
    yield row.workspace_id


projection = Projection(
    "proposal_list",
    1,
    ProposalRow,
    key_by_stream,
    fold,
    scopes,
    golden_lines=212,
    indexes=("(workspace_id, position)",),
    event_types=(ProposalMade, ProposalAccepted, ProposalDeclined, OpaqueEvent),
)


def list_id(workspace: UUID, status: ProposalStatus | None) -> UUID:
    """The id of a list of proposals, which cursors carry."""
    return list_id_for(workspace, "proposals", {"status": status})


def page(workspace: UUID, status: ProposalStatus | None, limit: int, cursor: str | None) -> Question:
    """The proposals of a workspace, newest first, and one more than `limit` if there are more.

    Raises BadCursor, or CursorMismatch for a cursor of another list or filter.
    """
    before = PageCursor.parse_number(cursor, list_id(workspace, status))
    sql = """select * from {proposal_list} where workspace_id = %(workspace)s
             and (%(status)s::text is null or status = %(status)s) and (%(before)s = 0 or position < %(before)s)
             order by position desc limit %(rows)s"""
    parameters: dict[str, object] = {"workspace": workspace, "status": status, "before": before, "rows": limit + 1}
    return single_table_question(projection, WORKSPACE_MEMBERS, workspace, "page", sql, parameters, _rows_answer)


def _rows_answer(rows: list[ProposalRow]) -> Answer:
    return encode_answer(rows)
