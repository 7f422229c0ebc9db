"""Real boards come in as their exports show them, now and at times of the past."""

import json
from pathlib import Path

import pytest

from infra.settings import Settings
from projections.engine.connection import SyncConnection
from tests.cli.import_.boards.comparison import assert_equals_export
from tests.cli.import_.boards.conftest import ImportBoard
from tests.cli.import_.boards.imported import ImportedProject
from tests.projections import oracle

pytestmark = pytest.mark.slow

BOARDS = Path(__file__).parents[4] / ".." / "shared" / "data" / "trello"


@pytest.mark.parametrize("name", ["amirite", "tapmovies", "nextcloud-deck-fixture"])
def test_a_real_board_equals_its_snapshot_and_its_past(
    import_board: ImportBoard, database: SyncConnection, settings: Settings, name: str
) -> None:
    if not BOARDS.exists():
        pytest.skip("the real boards are not beside this checkout")
    export = json.loads((BOARDS / f"{name}.json").read_bytes())
    result = import_board(BOARDS / f"{name}.json")
    assert (result.exit_code, result.exception) == (0, None)
    assert f"{len(export['cards'])} tasks" in result.output
    assert "Set now" not in result.output  # actions tell all that the snapshot has, but for labels
    assert_equals_export(ImportedProject(database, settings), export)
    assert oracle.matches_log(database)
