"""Indexes: each names the query that needs it, in `docs/profiles/indexes.md`."""

import re
from pathlib import Path

import pytest

from infra.database.connections import connect
from infra.settings import Settings
from tests.law import planted_defect

ROOT = Path(__file__).parents[3]
_SELECT_INDEXES = "select indexname from pg_indexes where schemaname in ('log', 'read', 'auth')"
_BUILD_NUMBER = re.compile(r"(?<=[a-z])_\d+(?=_)")


def indexes_in(settings: Settings) -> set[str]:
    """The indexes of a migrated database, without the numbers of builds."""
    with connect(settings.migration_url) as connection:
        return {_BUILD_NUMBER.sub("", name, count=1) for (name,) in connection.execute(_SELECT_INDEXES)}


def explained_indexes() -> dict[str, str]:
    """Each index of the document, and who needs it."""
    text = (ROOT / "docs/profiles/indexes.md").read_text()
    return dict(re.findall(r"^\| `(\w+)` \| (.+) \|$", text, re.MULTILINE))


def every_index_is_explained(settings: Settings) -> None:
    assert explained_indexes().keys() == indexes_in(settings)


def test_every_index_names_the_query_that_needs_it(settings: Settings) -> None:
    every_index_is_explained(settings)


def test_an_index_without_a_query_is_noticed(settings: Settings) -> None:
    with connect(settings.migration_url) as connection:
        connection.execute("create index events_topic on log.events (topic)")
    with planted_defect(), pytest.raises(AssertionError, match="events_topic"):
        every_index_is_explained(settings)


def test_every_index_of_tasks_is_in_a_plan(settings: Settings) -> None:
    of_tasks = {name for name in indexes_in(settings) if name.startswith(("task_list_", "task_search_"))}
    of_tasks -= {"task_search_past_id"}  # for deletions
    plans = (ROOT / "tests/golden/plans.txt").read_text()
    assert of_tasks == {name for name in of_tasks if re.search(rf"\b{name}\b", plans)}
    assert of_tasks == {name for name, needed_by in explained_indexes().items() if needed_by.endswith("Plan")}
