"""Audit over HTTP: who signed in and out, who may do what, and who took data away."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

import msgspec

from api.function_endpoint import get
from api.http.audit_items import ADDRESS_FIELDS, CLIENT_FIELDS, AuditItem, load_audit_items
from api.http.conditional_response import conditional_response
from api.http.history_parameters import EventQuery
from api.http.response import Response
from api.ledger import AuthedRequest, Ledger
from projections import audit
from projections.pagination import Page, PageCursor, encode_page


@get("/workspaces/{workspace}/audit")
async def show_workspace_audit(
    workspace: UUID, request: AuthedRequest, ledger: Ledger, query: EventQuery
) -> Response[Page[AuditItem]]:
    """List who joined, left or got a role, was invited, or exported a workspace, newest first; only owners may.

    Of each present member, since they joined: sign-ins and sign-outs, refused sign-ins summed by the minute, and
    tokens. `since` is inclusive, `until` is exclusive.
    """
    await ledger.require_permission(request, "SeeAudit", workspace)
    return await _read_audit(request, ledger, workspace, query, ADDRESS_FIELDS | CLIENT_FIELDS)


@get("/audit", guard=Ledger.require_operator)
async def show_audit(request: AuthedRequest, ledger: Ledger, query: EventQuery) -> Response[Page[AuditItem]]:
    """List all events about access in this installation, newest first; only its administrator may.

    Sign-ins have the client and its network, and refused ones are summed by account and minute. `since` is inclusive,
    `until` is exclusive.
    """
    return await _read_audit(request, ledger, None, query, ADDRESS_FIELDS)


async def _read_audit(
    request: AuthedRequest, ledger: Ledger, workspace: UUID | None, query: EventQuery, hidden_fields: Collection[str]
) -> Response[Any]:
    """The events found by the read model, from the log; raises ProjectionBehind."""
    filters = query.filters()
    question = audit.page(workspace, filters, query.limit, query.cursor)
    result = await ledger.fetch(request, question, query.min_position)
    positions = msgspec.json.decode(result.answer.body, type=list[int]) if result.answer else []
    events = await ledger.log.load_at(positions[: query.limit])
    items = await load_audit_items(ledger.log, events, hidden_fields)
    list_id = audit.list_id(workspace, filters)
    answer = encode_page(items, len(positions), lambda count: PageCursor(list_id, items[count - 1].position))
    return conditional_response(request, answer, result.position, result.age_s)
