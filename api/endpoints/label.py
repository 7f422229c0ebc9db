"""Labels over HTTP."""

from typing import Any
from urllib.parse import unquote

from litestar import Request

from api.http.addressing import in_scope, parse_id
from api.http.command_results import WriteResult
from api.http.endpoint import get, put
from api.http.parameters import CursorParam, LimitParam, MinPositionParam
from api.http.problems import MalformedRequest
from api.http.response import Response
from api.ledger import AuthedRequest, Ledger
from commands.command import require_found
from commands.field_types import LabelName
from commands.label import ColourLabel
from commands.validation import describe, find_errors
from projections import label_list
from projections.label_list import LabelRow
from projections.pagination import Page


@get("/workspaces/{workspace:str}/labels")
async def list_labels(
    workspace: str,
    request: AuthedRequest,
    ledger: Ledger,
    limit: LimitParam = 50,
    cursor: CursorParam = None,
    min_position: MinPositionParam = None,
) -> Response[Page[LabelRow]]:
    """List the labels of a workspace and their colours, by name."""
    return await ledger.read(request, label_list.page(parse_id(workspace), limit, cursor), min_position)


@put("/workspaces/{workspace:str}/labels/{label:path}")
async def colour_label(
    workspace: str,
    label: str,
    data: ColourLabel,
    request: AuthedRequest,
    ledger: Ledger,
) -> Response[WriteResult]:
    """Set the colour of a label, or remove it with null; write a `/` in its name as `%2F`."""
    del label  # the framework's value, with its slashes normalised
    command = in_scope(data, workspace_id=parse_id(workspace), label=_label_name(request))
    return await ledger.write(request, require_found(command.derive_target()), command)


def _label_name(request: Request[Any, Any, Any]) -> str:
    """The name of the label exactly as the address spells it; raises MalformedRequest."""
    raw_name = request.scope["raw_path"].partition(b"/labels/")[2].decode()
    if "/" in raw_name:
        raise MalformedRequest("invalid_label", "Write a / in the name of a label as %2F.")
    try:
        name = unquote(raw_name, errors="strict")
    except UnicodeDecodeError as error:
        raise MalformedRequest("invalid_label", "Send the name of a label as percent-encoded UTF-8.") from error
    if errors := find_errors(name, LabelName, "#/label"):
        raise MalformedRequest("invalid_label", describe(errors))
    return name
