"""Work sessions over HTTP: the commands that a client sent with one Taskledger-Session, as one change."""

from collections.abc import Sequence
from uuid import UUID

from msgspec.structs import replace

from api.endpoints.revert import RevertQuery, RevertRequest, revert_options
from api.function_endpoint import get, post
from api.http import history_items
from api.http.conditional_response import conditional_response
from api.http.history_items import HistoryItem
from api.http.parameters import PageQuery
from api.http.response import Response
from api.ledger import AuthedRequest, Ledger
from api.reverts import RevertOptions, RevertResult, take_back
from domain.event import RecordedEvent
from domain.history import UNLISTED_EVENTS
from domain.revert import ChangeReapplied, ChangeReverted
from infra.log import MAX_VERSION
from infra.log.changes import VisibleSession, change_id_of
from infra.reading.progress import ProjectionBehind
from projections import pagination
from projections.pagination import Page, PageCursor


@get("/sessions/{session}/changes")
async def list_session_changes(
    session: UUID, request: AuthedRequest, ledger: Ledger, query: PageQuery
) -> Response[Page[HistoryItem]]:
    """List the events of a work session, newest first, straight from the log: those that you may see.

    A session is a UUID of your own, which you send with each command, as Taskledger-Session.
    """
    before = PageCursor.parse_number(query.cursor, session) or MAX_VERSION
    head = await ledger.log.head()
    if head < (query.min_position or 0):
        raise ProjectionBehind
    hidden = [kind.__name__ for kind in UNLISTED_EVENTS]
    visible = await _visible(request, ledger, session, *hidden)
    positions = await ledger.changes.positions_in(visible, before, query.limit + 1)
    items = await history_items.load_items(ledger.log, await ledger.log.load_at(positions[: query.limit]))
    answer = pagination.encode_page(items, len(positions), lambda count: PageCursor(session, items[count - 1].position))
    return conditional_response(request, answer, head)


@post("/sessions/{session}/revert", status_code=200)
async def revert_session(
    session: UUID, data: RevertRequest, request: AuthedRequest, ledger: Ledger, query: RevertQuery
) -> Response[RevertResult]:
    """Take back all that was done in a work session; what others did since stays.

    It is one revert, by the rules of a revert of one command. If fields that were changed since are skipped, so is what
    cannot be taken back.
    """
    options = revert_options(request, ledger, query, data.preview)
    events = await ledger.changes.load_session(await _visible(request, ledger, session))
    return await take_back(request, ledger, session, *_as_one_change(events, options))


def _as_one_change(
    events: Sequence[RecordedEvent], options: RevertOptions
) -> tuple[Sequence[RecordedEvent], RevertOptions]:
    """The events to take back: whether a change in the session was reverted there too does not matter any longer."""
    marks = [one for one in events if isinstance(one.event, ChangeReverted | ChangeReapplied)]
    reverts = {one.command_id: None for one in marks if isinstance(one.event, ChangeReverted)}
    own = {
        change_id_of(one.command_id, one.trace.causation_id): None for one in events if one.command_id not in reverts
    }
    within = own | reverts
    settled = {one.position for one in marks if _change_of(one) in within}
    of_others = {one.command_id: None for one in marks if one.position not in settled}
    return [one for one in events if one.position not in settled], replace(options, also=(*own, *of_others))


def _change_of(mark: RecordedEvent) -> UUID | None:
    return mark.event.change_id if isinstance(mark.event, ChangeReverted | ChangeReapplied) else None


async def _visible(request: AuthedRequest, ledger: Ledger, session: UUID, *hidden: str) -> VisibleSession:
    user = request.user.user_id
    found = await ledger.changes.workspaces_of_session(session)
    memberships = await ledger.permissions.memberships(user, found)
    return VisibleSession(session, user, [workspace for _, workspace in memberships], hidden)
