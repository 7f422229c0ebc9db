"""What is no board, or has no place, is refused with one line, and nothing is written."""

import json
from collections.abc import Sequence
from typing import Any

import pytest

from commands.handling.append import Append, OutcomeUnknown
from domain.instance import INSTANCE_STREAM_ID
from infra.errors import OperatorError
from infra.log.event_log import EventLog
from projections.engine.connection import SyncConnection
from tests.cli.import_.boards import trello_export as trello
from tests.cli.import_.boards.conftest import ImportBoard
from tests.projections import oracle

pytestmark = pytest.mark.slow


def refusal(import_board: ImportBoard, content: Any, *more: str, **named: str) -> str:
    """The one line with which an import is refused."""
    result = import_board(content, *more, **named)
    assert isinstance(result.exception, OperatorError)
    line = str(result.exception)
    assert "\n" not in line
    return line


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b'{"actions": [', "is not JSON"),
        (b'{"id": "\xff"}', "is not UTF-8"),
        (b"", "is empty"),
        (
            [{"title": "A"}],
            "is no export of a Trello board: it has no actions, cards and lists. In Trello",
        ),
        ({"actions": [], "cards": [], "lists": []}, "as this version knows it: Object missing required field `id`"),
        ({**trello.export(), "lists": []}, "has no lists"),
        ({**trello.export(), "cards": [{"id": 1}]}, "Expected `str`, got `int` - at `$.cards[0].id`"),
    ],
)
def test_a_file_that_is_no_board_is_refused(
    import_board: ImportBoard, database: SyncConnection, content: Any, why: str
) -> None:
    before = len(oracle.all_events(database))
    assert why in refusal(import_board, content)
    assert len(oracle.all_events(database)) == before


@pytest.mark.parametrize(
    ("named", "why"),
    [
        ({"workspace": "Nowhere"}, "a member of no workspace named 'Nowhere'"),
        ({"email": "nobody@example.com"}, "No user is registered as nobody@example.com"),
        ({"key": "FEST"}, "The key FEST is taken"),
        ({"key": "a-b"}, "a-b is no key of a project"),
    ],
)
def test_a_place_that_does_not_fit_is_refused(
    import_board: ImportBoard, database: SyncConnection, named: dict[str, str], why: str
) -> None:
    before = len(oracle.all_events(database))
    assert why in refusal(import_board, trello.export(), **named)
    assert len(oracle.all_events(database)) == before


def test_a_newer_export_of_the_board_needs_another_key(import_board: ImportBoard, database: SyncConnection) -> None:
    import_board(trello.export())
    newer = trello.export() | {"name": "Kitchen 2"}
    before = len(oracle.all_events(database))
    line = refusal(import_board, newer)
    assert "Another export of this board was imported as PAST" in line
    assert "choose another --project" in line
    assert len(oracle.all_events(database)) == before
    assert "project PAST2 created with 5 tasks" in import_board(newer, key="PAST2").output
    assert "The key PAST is taken" in refusal(import_board, trello.export() | {"id": "another"})


def test_people_of_an_unknown_address_are_refused(import_board: ImportBoard, tmp_path: Any) -> None:
    people = tmp_path / "people.json"
    people.write_text(json.dumps({"bob": "nobody@example.com"}))
    assert "No member of the workspace is registered as nobody@" in refusal(
        import_board, trello.export(), "--people", str(people)
    )
    people.write_text("[]")
    assert "is no JSON object of user names" in refusal(import_board, trello.export(), "--people", str(people))


def test_an_import_that_is_killed_is_all_or_nothing(
    import_board: ImportBoard, database: SyncConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, append_history = len(oracle.all_events(database)), EventLog.append_history

    async def killed_before(*_: Any) -> None:
        raise KeyboardInterrupt

    async def killed_after(*arguments: Any) -> None:
        await append_history(*arguments)
        raise OutcomeUnknown

    monkeypatch.setattr(EventLog, "append_history", killed_before)
    assert import_board(trello.export()).exit_code != 0
    assert len(oracle.all_events(database)) == before
    monkeypatch.setattr(EventLog, "append_history", killed_after)
    assert "run the same command again, which tells" in refusal(import_board, trello.export())
    written = len(oracle.all_events(database))
    assert written > before
    monkeypatch.setattr(EventLog, "append_history", append_history)
    assert "imported from this file already" in import_board(trello.export()).output
    assert len(oracle.all_events(database)) == written


def test_a_stream_that_has_changed_meanwhile_lets_nothing_be_written(
    import_board: ImportBoard, database: SyncConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    append_history = EventLog.append_history

    async def append_late(log: EventLog, appends: Sequence[Append]) -> int | None:
        late = Append({INSTANCE_STREAM_ID: 7}, [], appends[0].actor, appends[0].command_id, appends[0].workspace_id)
        return await append_history(log, [*appends, late])

    before = len(oracle.all_events(database))
    monkeypatch.setattr(EventLog, "append_history", append_late)
    assert "has changed meanwhile, so nothing was written" in refusal(import_board, trello.export())
    assert len(oracle.all_events(database)) == before
