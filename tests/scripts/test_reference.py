"""The reference page is up to date and contains every event, command, route, error and setting."""

import inspect

import msgspec
import pytest

from api import app
from api.openapi.operation import documented_operations
from commands import command, permissions
from commands.permissions import RequiredPermission
from commands.task import RenameTask
from domain import errors
from domain.errors import Refusal
from infra.settings import Settings
from scripts.reference import inventory
from scripts.reference.page import REFERENCE_FILE, render_reference
from tests.domain.event_laws import GOLDEN

pytestmark = pytest.mark.slow


def test_the_reference_page_matches_the_code() -> None:
    assert REFERENCE_FILE.read_text() == render_reference(), "run `.venv/bin/python -m scripts.reference`"


@pytest.mark.parametrize("event", sorted(file.stem for file in GOLDEN.glob("*.json")))
def test_every_event_that_was_ever_stored_is_on_the_page(event: str) -> None:
    assert f"### {event}\n" in REFERENCE_FILE.read_text() or f"| `{event}` |" in REFERENCE_FILE.read_text()


@pytest.mark.parametrize("field", msgspec.structs.fields(Settings), ids=lambda field: field.name)
def test_every_setting_is_on_the_page(field: msgspec.structs.FieldInfo) -> None:
    assert f"| `TASKLEDGER_{field.name.upper()}` |" in REFERENCE_FILE.read_text()


def test_every_refusal_is_on_the_page_with_its_title() -> None:
    shown = {(error_case.code, error_case.title) for error_case in inventory.errors()}
    for _, kind in inspect.getmembers(errors, inspect.isclass):
        if issubclass(kind, Refusal) and kind is not Refusal:
            assert (kind.code(), kind.title()) in shown


@pytest.mark.parametrize("name", command.all_commands())
def test_every_command_is_on_the_page_with_fields_and_permissions(name: str) -> None:
    section = REFERENCE_FILE.read_text().partition(f"\n### {name}\n")[2].partition("\n##")[0]
    for field in msgspec.structs.fields(command.all_commands()[name]):
        assert f"| `{field.name}` |" in section or field.name == "expected_version"
    required = permissions.REQUIRED_PERMISSIONS[name]
    assert f"scope `{required.scope}`." in section
    assert f"Role `{required.role}`" in section or required.role is None


def test_every_route_of_the_application_is_on_the_page() -> None:
    shown = {(one.path, one.endpoint.method) for one in documented_operations(app.all_endpoints())}
    assert len(shown) > 50
    for path, method in shown:
        assert f"| `{method} {path}` |" in REFERENCE_FILE.read_text()


def remove_one(monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    """Remove one item of a kind from the code's inventory, so the page has one more."""
    known = getattr(inventory, kind)()
    less = dict(list(known.items())[1:]) if isinstance(known, dict) else known[1:]
    monkeypatch.setattr(inventory, kind, lambda: less)


@pytest.mark.parametrize("kind", ["events", "commands", "routes", "errors"])
def test_an_outdated_reference_page_is_detected(monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    remove_one(monkeypatch, kind)
    assert REFERENCE_FILE.read_text() != render_reference()


def test_a_page_with_outdated_permissions_is_detected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(permissions.REQUIRED_PERMISSIONS, "CompleteTask", RequiredPermission("viewer", "read"))
    assert REFERENCE_FILE.read_text() != render_reference()


def test_a_page_without_a_field_of_a_command_is_detected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inventory, "commands", lambda: {**command.all_commands(), "EditTask": RenameTask})
    assert REFERENCE_FILE.read_text() != render_reference()
