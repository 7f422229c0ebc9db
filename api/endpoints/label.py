"""Labels over HTTP."""

from urllib.parse import unquote

from api.command_endpoint import command
from api.http.parameters import PastPageQuery
from api.http.problems import MalformedRequest
from api.ledger import AuthedRequest, Ledger
from api.question_endpoint import question
from commands.field_types import LabelName
from commands.label import ColourLabel
from commands.validation import describe, find_errors
from projections import label_list
from projections.label_list import LabelRow
from projections.pagination import Page


async def _resolve_label(ledger: Ledger, request: AuthedRequest, text: str, min_position: int | None = None) -> str:
    """The name of the label exactly as the address spells it; raises MalformedRequest."""
    del ledger, text, min_position  # the framework's value has its slashes normalised
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


list_labels = question(
    "/workspaces/{workspace}/labels",
    label_list.page,
    Page[LabelRow],
    "List the labels of a workspace and their colours, by name.",
    PastPageQuery,
)
colour_label = command(
    "PUT",
    "/workspaces/{workspace}/labels/{label:path}",
    ColourLabel,
    "Set the colour of a label, or remove it with null; write a `/` in its name as `%2F`.",
    label=_resolve_label,
)
