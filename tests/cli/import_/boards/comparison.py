"""Whether an imported board is what its export shows: now, and at times of the past."""

from datetime import timedelta
from typing import Any

from tests.cli.import_.boards import rewinding
from tests.cli.import_.boards.imported import ImportedProject

PAST_TIMES = 12


def assert_equals_export(imported: ImportedProject, export: dict[str, Any]) -> None:
    """Compare all that the oracle knows; a past board at the instants of actions, and just before them."""
    assert imported.board() == rewinding.board_at(export)
    assert imported.labels() == rewinding.labels_of(export)
    assert imported.checklists() == rewinding.checklists_of(export)
    assert imported.order() == rewinding.order_of(export)
    times = sorted({rewinding.time_of(action) for action in export["actions"]})
    for at in times[:: max(1, len(times) // PAST_TIMES)]:
        for moved in (at - timedelta(microseconds=1), at):
            if moved >= times[0]:
                assert imported.board(moved) == rewinding.board_at(export, moved)
