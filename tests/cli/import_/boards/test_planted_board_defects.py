"""The oracle of boards notices an importer that loses an order, a past, a time or a label."""

from collections.abc import Callable
from typing import Any

import pytest

from cli.import_.trello.card_replay import CardReplay
from cli.import_.trello.cards import CardStory
from cli.import_.trello.corrections import Corrections
from cli.import_.trello.places import BOTTOM, Places
from infra.log.history_call import HistoryCall
from infra.settings import Settings
from projections.engine.connection import SyncConnection
from tests.cli.import_.boards import trello_export as trello
from tests.cli.import_.boards.comparison import assert_equals_export
from tests.cli.import_.boards.conftest import ImportBoard
from tests.cli.import_.boards.imported import ImportedProject
from tests.planted_defects import assert_check_fails

pytestmark = pytest.mark.slow


def all_go_to_the_bottom(patch: pytest.MonkeyPatch) -> None:
    put = Places.put

    def at_the_bottom(places: Places, *arguments: Any) -> dict[str, Any]:
        put(places, *arguments)
        return BOTTOM

    patch.setattr(Places, "put", at_the_bottom)


def cards_begin_as_they_end(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(CardStory, "first", CardStory.last)


def all_happens_now(patch: pytest.MonkeyPatch) -> None:
    parameters = HistoryCall.parameters

    def without_times(call: HistoryCall) -> tuple[Any, ...]:
        *before, ats, workspace, events, touched = parameters(call)
        assert isinstance(ats, list)
        return *before, [None for _ in ats], workspace, events, touched

    patch.setattr(HistoryCall, "parameters", without_times)


def no_labels(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Corrections, "_labels", lambda *_: ())


def items_are_never_checked(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(CardReplay, "tick", lambda *_, **__: iter(()))
    patch.setattr(CardReplay, "set_items", lambda *_: iter(()))


@pytest.fixture
def compare(import_board: ImportBoard, database: SyncConnection, settings: Settings) -> Callable[[], None]:
    """Imports the regular export, and compares."""

    def check() -> None:
        result = import_board(trello.regular_export())
        assert (result.exit_code, result.exception) == (0, None)
        assert_equals_export(ImportedProject(database, settings), trello.regular_export())

    return check


def test_a_regular_board_equals_its_snapshot_and_its_past(compare: Callable[[], None]) -> None:
    compare()


@pytest.mark.parametrize(
    "plant", [all_go_to_the_bottom, cards_begin_as_they_end, all_happens_now, no_labels, items_are_never_checked]
)
def test_a_board_that_differs_is_noticed(
    compare: Callable[[], None], monkeypatch: pytest.MonkeyPatch, plant: Callable[[pytest.MonkeyPatch], None]
) -> None:
    plant(monkeypatch)
    assert_check_fails(compare)
