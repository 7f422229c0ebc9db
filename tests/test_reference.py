"""The reference page is what the code generates, and names everything that there is."""

import inspect

import msgspec
import pytest

from domain import errors
from domain.errors import Refusal
from infra.settings import Settings
from scripts.reference import found
from scripts.reference.page import PAGE, page
from tests.domain.laws import GOLDEN


def test_the_page_is_what_the_code_generates() -> None:
    assert PAGE.read_text() == page(), "run `.venv/bin/python -m scripts.reference`"


@pytest.mark.parametrize("event", sorted(file.stem for file in GOLDEN.glob("*.json")))
def test_every_event_that_was_ever_stored_is_on_the_page(event: str) -> None:
    assert f"### {event}\n" in PAGE.read_text() or f"| `{event}` |" in PAGE.read_text()


@pytest.mark.parametrize("field", msgspec.structs.fields(Settings), ids=lambda field: field.name)
def test_every_setting_is_on_the_page(field: msgspec.structs.FieldInfo) -> None:
    assert f"| `TASKLEDGER_{field.name.upper()}` |" in PAGE.read_text()


def test_every_refusal_is_on_the_page_with_its_title() -> None:
    shown = {(kept.code, kept.title) for kept in found.errors()}
    for _, kind in inspect.getmembers(errors, inspect.isclass):
        if issubclass(kind, Refusal) and kind is not Refusal:
            assert (kind.code(), kind.title()) in shown


def test_every_command_that_a_route_hands_in_is_on_the_page() -> None:
    bodies = {route.body for route in found.routes()} - {
        "",
        "Acceptance",
        "Batch",
        "Invite",
        "Login",
        "NewPassword",
        "NewToken",
        "Rebuild",
        "Refresh",
        "Registration",
    }
    assert bodies <= found.commands().keys()


def test_a_page_of_yesterday_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    events = {name: event for name, event in found.events().items() if name != "DueDateSet"}
    monkeypatch.setattr(found, "events", lambda: events)
    assert PAGE.read_text() != page()
