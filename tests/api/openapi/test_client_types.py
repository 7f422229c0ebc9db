"""Client types: what generators of clients stumble over is nowhere in the document, in no schema and no operation."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from msgspec import UNSET, Struct, UnsetType

from api.openapi import client_types
from tests.api.openapi.test_document import DOCUMENT, operations, resolve

SCHEMAS: dict[str, dict[str, Any]] = DOCUMENT["components"]["schemas"]
ALTERNATIVES = ({"TaskPage", "PartialTaskPage"}, {"SingleTask", "ExpandedTask"})
"""On request: with `fields` the items have fewer members, with `expand` people have names."""
TEXT_IDS = {"Column.id", "ColumnInput.id", "BoardColumn.id", "SavedFilter.id", "HistoryItem.causation_id"}
"""Members that are no UUIDs."""
FREE_VALUES = {"BlameItem.value", "DiffField.new", "DiffField.old", "HistoryItem.changes", "EmptyBody"}
"""Members whose values can be of any type."""
STABLE_NAMES = {
    "Actor", "Batch", "BatchItem", "BatchResult", "Board", "BoardColumn", "Column", "ColumnInput", "CommandResult",
    "Conflict", "CreateProject", "CreateTask", "CreateWorkspace", "CurrentUser", "EditTask", "EmailVerification",
    "FieldError", "HistoryItem", "HistoryItemPage", "IndependentBatchResult", "IndependentCommandResult",
    "InterveningEvent", "Invitation", "InvitationAcceptance", "IssuedPersonalToken", "Label", "Login", "Member",
    "NewInvitation", "NewPersonalToken", "Operation", "PartialTask", "PartialTaskPage", "PasswordChange",
    "PasswordReset", "PasswordResetRequest", "PersonalToken", "PlannedEvent", "Priority", "Problem",
    "ProblemType", "Project", "RebuildRequest", "Registration", "Role", "SavedFilter", "Session",
    "SessionList", "Task", "TaskPage", "TaskSearch", "TaskSort", "TaskStatus", "TokenRefresh", "TokenScope", "Tokens",
    "TrashedItem", "WipLimitWarning", "Workspace", "WriteResult",
}  # fmt: skip
"""Names of classes in clients: they stay, whatever the classes in the code are called."""


def nodes(node: Any, place: str = "") -> Iterator[tuple[str, Any]]:
    """Every value in a schema, with its place."""
    yield place, node
    children = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for name, child in children:
        yield from nodes(child, f"{place}.{name}".lstrip("."))


def members() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for name, schema in SCHEMAS.items():
        yield from ((name, member, described) for member, described in schema.get("properties", {}).items())


def success_schemas(operation: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The JSON schema of each successful answer with a body, by status."""
    answers = {status: resolve(answer) for status, answer in operation["responses"].items() if status.startswith("2")}
    return {
        status: answer["content"]["application/json"]["schema"]
        for status, answer in answers.items()
        if "application/json" in answer.get("content", {})
    }


def names_in(schema: dict[str, Any]) -> set[str]:
    return {each.rpartition("/")[2] for place, each in nodes(schema) if place.endswith("$ref")}


def test_no_member_has_a_default() -> None:
    """A generator takes such a member for one that must be sent."""
    assert not [f"{name}.{member}" for name, member, described in members() if "default" in described]


def test_no_schema_is_true_or_false() -> None:
    for place, node in nodes(SCHEMAS):
        for keyword in ("items", "contains", "not", "if", "then", "else", "propertyNames"):
            assert not isinstance(node, dict) or not isinstance(node.get(keyword), bool), f"{place}.{keyword}"


def test_no_array_is_a_tuple() -> None:
    assert not [place for place, node in nodes(SCHEMAS) if isinstance(node, dict) and "prefixItems" in node]


def test_every_member_has_a_type() -> None:
    untyped = {".".join(place.split(".")[:3:2]) for place, node in nodes(SCHEMAS) if node == {}}
    assert untyped == FREE_VALUES


def test_an_enumeration_that_types_share_is_a_type() -> None:
    """A value that a client read is one that it can send."""
    inline = Counter(
        json.dumps(sorted(node["enum"]))
        for place, node in nodes({"schemas": SCHEMAS, "paths": DOCUMENT["paths"]})
        if isinstance(node, dict) and isinstance(node.get("enum"), list) and not place.endswith("properties.code")
    )
    assert not [values for values, times in inline.items() if times > 1]
    read, sent = (SCHEMAS[name]["properties"]["priority"] for name in ("Task", "EditTask"))
    assert read == {"$ref": "#/components/schemas/Priority"}
    assert read in sent["anyOf"]


def test_every_pattern_is_read_alike_in_all_dialects() -> None:
    found = {node["pattern"] for _, node in nodes(DOCUMENT) if isinstance(node, dict) and "pattern" in node}
    assert len(found) > 5
    for pattern in found:
        assert pattern.isascii()
        assert not re.search(r"\(\?[^:]|\\[uwsdbpUWSDBP]", pattern), pattern


@pytest.mark.parametrize("text", [("CreateTask", "title"), ("Registration", "email"), ("CreateWorkspace", "name")])
def test_what_no_pattern_says_is_said_in_words(text: tuple[str, str]) -> None:
    name, member = text
    described = SCHEMAS[name]["properties"][member]
    assert "pattern" not in described
    assert re.match("One line of text|An e-mail address", described["description"])


def test_every_body_is_described_once() -> None:
    for path, operation in operations():
        if "requestBody" in operation:
            (kind,) = operation["requestBody"]["content"]
            assert kind == ("application/octet-stream" if "file" in operation["summary"] else "application/json"), path


def test_alternatives_differ() -> None:
    for place, node in nodes(DOCUMENT):
        if isinstance(node, dict) and isinstance(node.get("anyOf"), list):
            alternatives = [json.dumps(each, sort_keys=True) for each in node["anyOf"]]
            assert len(alternatives) == len(set(alternatives)), place
            assert len(alternatives) > 1, place


def test_a_successful_answer_has_one_type() -> None:
    for path, operation in operations():
        for status, schema in success_schemas(operation).items():
            assert len(names_in(schema)) <= 1 or names_in(schema) in ALTERNATIVES, (path, status)


def test_a_dry_run_has_the_type_of_its_command() -> None:
    commands = 0
    for path, operation in operations():
        if "dry_run" in {resolve(one)["name"] for one in operation["parameters"]}:
            answers = success_schemas(operation)
            (name,) = names_in(answers["200"])
            if name == "BulkResult":  # tells how many, and no events
                continue
            written = names_in(answers.get("201", answers["200"]))
            assert name in {"BatchResult", "RevertResult"} or written == {"WriteResult"}, path
            assert "events" in SCHEMAS[name]["properties"]
            assert "events" not in SCHEMAS[name]["required"]
            commands += 1
    assert commands >= 29
    assert SCHEMAS["WriteResult"]["required"] == ["id", "version", "position"]


def test_an_id_is_a_uuid_wherever_it_is_read_or_sent() -> None:
    for name, member, described in members():
        if (member == "id" or member.endswith("_id")) and member != "trace_id":
            is_uuid = '"format": "uuid"' in json.dumps(described)
            assert is_uuid != (f"{name}.{member}" in TEXT_IDS), f"{name}.{member}"


def test_a_member_that_is_always_sent_is_required() -> None:
    for name, schema in SCHEMAS.items():
        if name.endswith("Page"):
            assert {"items", "next_cursor"} <= set(schema["required"]), name
    for name in ("Task", "SingleTask", "ExpandedTask"):
        assert SCHEMAS[name]["required"] == list(SCHEMAS[name]["properties"])
    assert SCHEMAS["Column"]["required"] == ["id", "name", "wip_limit", "removed", "done"]
    assert {"created_at", "version"} <= set(SCHEMAS["SavedFilter"]["required"])


def test_a_member_that_is_left_out_is_never_null() -> None:
    assert SCHEMAS["WriteResult"]["properties"]["key"] == {"type": "string"}
    assert SCHEMAS["IndependentCommandResult"]["properties"]["problem"] == {"$ref": "#/components/schemas/Conflict"}


def test_published_names_stay() -> None:
    assert set(SCHEMAS) >= STABLE_NAMES


class Sent(Struct, frozen=True):
    always: int
    too: int | None = None
    sometimes: int | UnsetType = UNSET


class SentInPart(Struct, frozen=True, omit_defaults=True):
    always: int
    sometimes: int | None = None


@pytest.mark.parametrize(
    ("kind", "required", "nullable"), [(Sent, ["always", "too"], "too"), (SentInPart, ["always"], "")]
)
def test_a_type_is_described_as_it_is_encoded(kind: type[Struct], required: list[str], nullable: str) -> None:
    integer: dict[str, Any] = {"type": "integer"}
    optional = {"anyOf": [integer, {"type": "null"}], "default": None}
    component: dict[str, Any] = {
        "properties": {"always": integer, "too": {**optional}, "sometimes": {**optional}},
        "required": ["always"],
    }
    client_types.describe_as_sent(kind, component)
    assert component["required"] == required
    if nullable:
        assert component["properties"][nullable] == {"anyOf": [integer, {"type": "null"}]}
    else:
        assert component["properties"]["sometimes"]["type"] == "integer"


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"properties": {"a": {"type": "string", "default": None}}}, {"properties": {"a": {"type": "string"}}}),
        (
            {"properties": {"a": {"enum": ["x"], "default": "x"}}},
            {"properties": {"a": {"enum": ["x"], "description": "`x` if left out."}}},
        ),
        ({"properties": {"default": {"type": "string"}}}, {"properties": {"default": {"type": "string"}}}),
        ({"pattern": r"^[A-Z]$(?!\n)", "type": "string"}, {"pattern": "^[A-Z]$", "type": "string"}),
        ({"pattern": "^(?!a)", "description": "Not a."}, {"description": "Not a."}),
        ({"properties": {"pattern": {"type": "string"}}}, {"properties": {"pattern": {"type": "string"}}}),
        ({"prefixItems": [{}, {}], "items": False, "maxItems": 2}, {"items": {}, "maxItems": 2}),
        (
            {"prefixItems": [{"type": "string"}, {"type": "integer"}], "items": False},
            {"items": {"anyOf": [{"type": "string"}, {"type": "integer"}]}},
        ),
        (
            {"anyOf": [{"type": "string", "anyOf": [{"format": "uuid"}, {"pattern": "a"}]}, {"type": "null"}]},
            {"anyOf": [{"format": "uuid"}, {"pattern": "a"}, {"type": "null"}]},
        ),
    ],
    ids=[
        "no default",
        "a default",
        "a member of that name",
        "the end of a text",
        "look-ahead",
        "a member named pattern",
        "a pair",
        "a tuple",
        "a union in a union",
    ],
)
def test_a_schema_is_made_plain(schema: dict[str, Any], expected: dict[str, Any]) -> None:
    assert client_types.plain(schema) == expected
