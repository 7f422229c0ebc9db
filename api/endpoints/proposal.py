"""Proposals over HTTP: list, show, accept and decline what agents would change."""

from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta
from msgspec.structs import replace

from api import proposals
from api.command_endpoint import command
from api.function_endpoint import get, post
from api.http import idempotency, preconditions
from api.http.command_results import BatchResult
from api.http.conditional_response import command_headers, conditional_response
from api.http.dependencies import dependencies_of
from api.http.parameters import PageQuery
from api.http.problems import MalformedRequest
from api.http.response import Response
from api.ledger import AuthedRequest, Ledger
from api.proposals import ProposalInfo
from commands.handling.outcome import Committed
from commands.proposal import DeclineProposal
from domain.proposal import ProposalStatus
from projections import pagination, proposal_list
from projections.pagination import Page, PageCursor
from projections.proposal_list import ProposalRow


class ProposalsQuery(PageQuery, frozen=True):
    """The parameters of the proposals of a workspace."""

    status: Annotated[ProposalStatus | None, Meta(description="Only those with this status.")] = None


@get("/workspaces/{workspace}/proposals")
async def list_proposals(
    workspace: UUID, request: AuthedRequest, ledger: Ledger, query: ProposalsQuery
) -> Response[Page[ProposalInfo]]:
    """List what agents proposed in a workspace, newest first.

    A token of the scope `propose` changes nothing: each batch that it sends becomes a proposal.
    """
    question = proposal_list.page(workspace, query.status, query.limit, query.cursor)
    found = await ledger.fetch(request, question, query.min_position)
    dependencies_of(request).uncacheable()  # a purge or another name changes an answer without a change of the list
    rows = msgspec.json.decode(found.answer.body, type=list[ProposalRow]) if found.answer else []
    events = await ledger.log.load_at([row.position for row in rows[: query.limit]])
    items = await proposals.show(ledger, rows, events)
    list_id = proposal_list.list_id(workspace, query.status)
    answer = pagination.encode_page(items, len(rows), lambda count: PageCursor(list_id, rows[count - 1].position))
    return conditional_response(request, answer, found.position, found.age_s)


@get("/proposals/{proposal}")
async def show_proposal(proposal: UUID, request: AuthedRequest, ledger: Ledger) -> Response[ProposalInfo]:
    """Show a proposal, straight from the log."""
    position = await ledger.log.head()
    history = await proposals.load_history(ledger, request, proposal)
    shown = await proposals.show_one(ledger, history)
    return conditional_response(request, pagination.encode_versioned_answer(shown, shown.version), position)


@post("/proposals/{proposal}/accept", status_code=200)
async def accept_proposal(proposal: UUID, request: AuthedRequest, ledger: Ledger) -> Response[BatchResult]:
    """Accept a proposal: carry out its commands, as the agent that proposed them, on your behalf.

    It must still come out as proposed: what it is about may not have changed since, or, with `on_conflict=rebase`, only
    in other fields. Your permissions count, not those of the agent. The change has the id of the proposal:
    `POST /changes/{change}/revert` takes it back.
    """
    if preconditions.has_if_match(request):
        raise MalformedRequest("invalid_if_match", "A proposal has the versions that it is about.")
    history = await proposals.load_history(ledger, request, proposal)
    outcome = await proposals.accept(ledger, request, history, await idempotency.idempotency_key(request))
    outcome = replace(outcome, results=outcome.results[:-1])
    is_replayed = isinstance(outcome, Committed) and outcome.is_replay
    headers = command_headers(outcome.position, replayed=is_replayed)
    return Response(BatchResult.from_outcome(outcome), status_code=200, headers=headers)


decline_proposal = command(
    "POST",
    "/proposals/{proposal}/decline",
    DeclineProposal,
    "Decline a proposal: it can no longer be accepted.",
)
