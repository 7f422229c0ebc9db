"""An instance: what its log says of a load."""

from pathlib import Path
from typing import Any, cast

import pytest

from bench.data.http_target import HttpTarget
from bench.harness.instance import BenchInstance
from infra.database.connections import connect
from infra.ids import new_id
from infra.settings import Settings

pytestmark = pytest.mark.slow

INSERT_SQL = """insert into log.events (originator_id, originator_version, topic, state, command_id)
    values (%s, %s, %s, '', %s)"""


def test_a_command_that_writes_two_events_is_one_change(settings: Settings) -> None:
    """Completing a task moves it, too: counted by events, W3 would be twice as fast."""
    task, created, completed = new_id(), new_id(), new_id()
    events = [("TaskCreated", created), ("TaskMoved", completed), ("TaskCompleted", completed)]
    with connect(settings.migration_url) as connection:
        for version, (topic, command) in enumerate(events, 1):
            connection.execute(INSERT_SQL, (task, version, topic, command))
        ours = BenchInstance(Path(), 0, "", "", new_id(), "", cast("Any", None), connection)
        assert ours.change_count(HttpTarget(f"/api/v1/tasks/{task}")) == 2
        assert ours.change_count(HttpTarget(f"/api/v1/tasks/{new_id()}")) == 0
