"""The OpenAPI document: docs/openapi.json is up to date, and everything has a name, a summary and an example."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from api.connections import problems as connection_problems
from api.connections.connection import ALWAYS_ADMITTED
from api.connections.problems import ConnectionProblem
from api.http.problem_document import PROBLEM_MEDIA_TYPE
from api.openapi import error_cases, examples
from api.openapi.schemas import SCHEMA_REF_PREFIX
from commands import command, permissions
from commands.permissions import RequiredPermission
from projections.task_list import TaskRow
from scripts.openapi import OPENAPI_FILE, render_openapi_json
from tests.api.openapi_contract import validator

pytestmark = pytest.mark.slow

METHODS = {"get", "post", "put", "patch", "delete"}
DOCUMENT: dict[str, Any] = json.loads(OPENAPI_FILE.read_text())


def operations() -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in DOCUMENT["paths"].items():
        assert methods.keys() <= METHODS, path
        for operation in methods.values():
            yield path, operation


def resolve(found: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in found:
        place: Any = DOCUMENT
        for part in found["$ref"].removeprefix("#/").split("/"):
            place = place[part]
        found = place
    return found


def examples_with_schemas() -> Iterator[tuple[str, dict[str, Any], Any]]:
    """Every example, with its place and its schema."""
    for _, operation in operations():
        name = operation["operationId"]
        for parameter in map(resolve, operation["parameters"]):
            yield f"{name}?{parameter['name']}", parameter["schema"], parameter["example"]
        for kind, content in operation.get("requestBody", {}).get("content", {}).items():
            yield f"{name} takes {kind}", content["schema"], content["example"]
        for status, answer in operation["responses"].items():
            for content in resolve(answer).get("content", {}).values():
                for one in map(resolve, content.get("examples", {}).values()):
                    yield f"{name} {status} {one['value']['code']}", content["schema"], one["value"]
                if "example" in content:
                    yield f"{name} {status}", content["schema"], content["example"]
    for name, header in DOCUMENT["components"]["headers"].items():
        yield name, header["schema"], header["example"]


def schema_error(schema: dict[str, Any], example: Any) -> list[str]:
    checked = validator({**schema, "components": DOCUMENT["components"]})
    return [str(error) for error in checked.iter_errors(example)]


def test_the_openapi_file_matches_the_code() -> None:
    assert OPENAPI_FILE.read_text() == render_openapi_json(), "run `.venv/bin/python -m scripts.openapi`"


def test_an_outdated_openapi_file_is_detected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(permissions.REQUIRED_PERMISSIONS, "CompleteTask", RequiredPermission("viewer", "read"))
    assert OPENAPI_FILE.read_text() != render_openapi_json()


def test_every_example_fits_its_own_schema() -> None:
    found = list(examples_with_schemas())
    assert len(found) > 500
    assert not {where: errors for where, schema, example in found if (errors := schema_error(schema, example))}


@pytest.mark.parametrize(
    "planted",
    [{"title": 7}, {"id": "KIT-12"}, {"priority": "soon"}, {"created_at": "2026-12-01"}, {"labels": "shopping"}],
)
def test_an_outdated_example_is_detected(planted: dict[str, Any]) -> None:
    example = examples.example_of(TaskRow)
    assert not schema_error({"$ref": f"{SCHEMA_REF_PREFIX}Task"}, example)
    assert schema_error({"$ref": f"{SCHEMA_REF_PREFIX}Task"}, example | planted)


def test_every_operation_that_answers_with_a_body_or_takes_one_shows_it() -> None:
    for _, operation in operations():
        for content in operation.get("requestBody", {}).get("content", {}).values():
            assert content["example"] is not None
        for status, answer in operation["responses"].items():
            for kind, content in resolve(answer).get("content", {}).items():
                is_shown = "example" in content or "examples" in content or not kind.startswith("application/json")
                assert is_shown, (operation["operationId"], status)


def test_every_operation_has_a_name_of_its_own_a_sentence_and_one_noun() -> None:
    names = [operation["operationId"] for _, operation in operations()]
    assert len(names) == len(set(names))
    tags = {tag["name"]: tag["description"] for tag in DOCUMENT["tags"]}
    for path, operation in operations():
        assert operation["summary"].endswith("."), path
        assert set(operation["tags"]) <= tags.keys()
    assert all(re.fullmatch(r"[A-Z][a-z]+( [a-z]+)?", tag) and description for tag, description in tags.items()), tags


def test_types_have_plain_names_and_are_all_used() -> None:
    text = OPENAPI_FILE.read_text()
    for name, schema in DOCUMENT["components"]["schemas"].items():
        assert re.fullmatch("[A-Z][A-Za-z]+", name)
        assert schema["title"] == name
        assert not name.endswith(("Row", "Struct"))
        assert f'"{SCHEMA_REF_PREFIX}{name}"' in text, name


def test_every_path_parameter_is_described() -> None:
    for path, operation in operations():
        parameters = {one["name"]: one for one in map(resolve, operation["parameters"])}
        for name in re.findall(r"{(\w+)}", path):
            assert parameters[name]["in"] == "path"
            assert parameters[name]["description"]


def test_statuses_are_listed_where_their_header_or_body_is() -> None:
    by_id = {operation["operationId"]: operation for _, operation in operations()}
    named = {name: problem_codes(operation) for name, operation in by_id.items()}
    assert "version_required" in named["edit_task"]
    assert "version_required" not in named["complete_task"] | named["create_task"]
    for name, operation in by_id.items():
        headers = {resolve(one)["name"] for one in operation["parameters"]}
        assert ("412" in operation["responses"]) == ("If-Match" in headers), name
        assert ("304" in operation["responses"]) == ("If-None-Match" in headers), name
        assert ("key_reused" in named[name]) == ("Idempotency-Key" in headers), name
        assert "401" in operation["responses"] or "security" in operation, name
        assert ("413" in operation["responses"]) == ("requestBody" in operation), name


def test_what_the_connection_refuses_is_listed_at_every_operation() -> None:
    known = [one for one in vars(connection_problems).values() if isinstance(one, ConnectionProblem)]
    refusals = {(str(one.status), one.code) for one in known}
    assert {"408", "421", "431", "503"} <= {status for status, _ in refusals}
    for path, operation in operations():
        listed = {(status, code) for status, codes in codes_of(operation).items() for code in codes}
        is_admitted = path.encode() in ALWAYS_ADMITTED
        assert refusals - listed == ({("503", "overloaded")} if is_admitted else set()), path
        assert ("429" in operation["responses"]) == path.startswith("/api/v1"), path


def test_no_conflict_is_listed_where_nothing_is_written() -> None:
    for path in ("/problems", "/problems/{code}", "/schemas/events"):
        assert "409" not in DOCUMENT["paths"][path]["get"]["responses"]


def codes_of(operation: dict[str, Any]) -> dict[str, list[str]]:
    """The codes of the problems that an operation lists, by status."""
    responses = {status: resolve(one) for status, one in operation["responses"].items()}
    return {
        status: [resolve(example)["value"]["code"] for example in content["examples"].values()]
        for status, one in responses.items()
        if (content := one.get("content", {}).get("application/problem+json"))
    }


def test_every_refusal_is_listed_at_the_operations_that_raise_it() -> None:
    codes = {operation["operationId"]: problem_codes(operation) for _, operation in operations()}
    assert "unknown_column" in codes["move_task"] & codes["create_task"]
    assert "unknown_column" not in codes["complete_task"]
    assert "project_key_taken" in codes["create_project"]
    assert "cursor_mismatch" in codes["list_tasks"] & codes["show_history"]
    assert codes["register"] >= {"email_taken", "registration_closed"}
    assert codes["carry_out"] >= {"crosses_workspaces", "contradicts", "task_is_trashed"}


def test_every_code_that_an_operation_names_has_a_meaning() -> None:
    known = {one.code for one in error_cases.all_error_cases()}
    for _, operation in operations():
        assert problem_codes(operation) <= known, operation["operationId"]
    assert set(DOCUMENT["components"]["examples"]) >= {"409.version_conflict", "412.version_conflict"}


def test_every_command_of_a_batch_is_one_of_the_bodies_that_an_item_can_have() -> None:
    item = DOCUMENT["components"]["schemas"]["BatchItem"]["properties"]
    wanted = {name for name, kind in command.all_commands().items() if kind.is_batchable}
    assert set(item["type"]["enum"]) == wanted
    assert {one["$ref"].removeprefix(SCHEMA_REF_PREFIX) for one in item["data"]["anyOf"]} == wanted


def test_create_responses_link_to_the_new_resource() -> None:
    created = next(operation for _, operation in operations() if operation["operationId"] == "create_task")
    links = {name: resolve(link) for name, link in created["responses"]["201"]["links"].items()}
    assert links["show_task"]["parameters"] == {"path.task": "$response.body#/id"}
    assert links["edit_task"]["parameters"]["header.If-Match"] == "$response.header.ETag"


def problem_codes(operation: dict[str, Any]) -> set[str]:
    """The problem codes in an operation's responses."""
    answers = map(resolve, operation["responses"].values())
    kinds = (answer.get("content", {}).get(PROBLEM_MEDIA_TYPE, {}) for answer in answers)
    return {code for kind in kinds for code in kind.get("examples", {})}
