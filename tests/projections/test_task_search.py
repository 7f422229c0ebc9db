"""The text of tasks: the database takes whatever may be written, and what changes it is followed."""

import pytest
from msgspec.structs import replace

from domain.event import Change, OpaqueEvent
from domain.task import TaskDescribed, TaskRenamed
from infra.settings import Settings
from projections import task_search
from projections.engine import folding
from projections.engine.builds import SyncConnection
from tests.examples import COMPLETED, CREATED, MOVED, PURGED, RENAMED, TASK, TRASHED, project, task, workspace
from tests.projections import oracle

TITLE, DESCRIPTION = 500, 50_000
"""The most characters of each that a command takes."""
WORST = {
    "one long word": "я" * DESCRIPTION,
    "as many words as there is room for": " ".join(map(chr, range(0x3400, 0x3400 + DESCRIPTION // 2))),
    "as many different words of two letters": " ".join(
        chr(0x400 + one) + chr(0x400 + other) for one in range(200) for other in range(200)
    )[:DESCRIPTION],
    "one word again and again": "дом " * (DESCRIPTION // 4),
    "a word of many parts": "-".join(map(chr, range(0x20000, 0x20000 + DESCRIPTION // 2))),
    "many words of many parts": " ".join(
        "-".join(f"b{number}{part}" for part in "abcdefgh") for number in range(1_100)
    ),
    "addresses": " ".join(f"https://example.com/{number:x}/a-b-c?d=e" for number in range(1_600)),
    "numbers": " ".join(map(str, range(9_000))),
    "emoji": "\U0001f600 " * (DESCRIPTION // 2),
    "no words": "\u200b" * DESCRIPTION,
}


def words(database: SyncConnection) -> str:
    table = oracle.build_of(database, "task_search").table_name.as_string(database)
    ((found,),) = database.execute(f"select document::text from {table} where id = %s", (TASK,)).fetchall()  # noqa: S608 - our own text
    return str(found)


@pytest.mark.parametrize("text", WORST.values(), ids=WORST)
def test_the_longest_text_of_any_kind_is_taken(database: SyncConnection, settings: Settings, text: str) -> None:
    title, description = text[:TITLE], text[:DESCRIPTION]
    oracle.write(database, [*workspace(), *project(), (TASK, CREATED)])
    oracle.write(database, [(TASK, TaskRenamed(Change(CREATED.title, title)))])
    oracle.write(database, [(TASK, TaskDescribed(Change(CREATED.description, description)))])
    oracle.catch_up(database)
    assert oracle.is_right(database)
    assert not oracle.parked_in(database, "task_search")
    assert oracle.rebuilt(settings.database_url, "task_search").switched
    assert not oracle.parked_in(database, "task_search")


def test_words_are_stemmed_and_those_of_the_title_weigh_more(database: SyncConnection) -> None:
    described = TaskDescribed(Change(CREATED.description, "Running shoes"))
    oracle.write(database, [*workspace(), *project(), (TASK, CREATED), (TASK, described)])
    oracle.write(database, [(TASK, TaskRenamed(Change(CREATED.title, "Купить молока")))])
    oracle.catch_up(database)
    found = words(database)
    assert "'молок':" in found
    assert "'run':" in found
    weights = {one.partition(":")[0]: one[-1] for one in found.split()}
    assert weights["'молок'"] == "A"
    assert weights["'run'"] == "B"


def test_a_task_that_is_gone_leaves_no_text(database: SyncConnection) -> None:
    oracle.write(database, [*workspace(), *project(), (TASK, CREATED)])
    oracle.write(database, [(TASK, TRASHED), (TASK, PURGED)])
    oracle.catch_up(database)
    assert oracle.shown(database, task_search.projection) == {}


def test_what_changes_no_text_is_passed_over_and_what_nobody_knows_is_not(database: SyncConnection) -> None:
    oracle.write(database, [*workspace(), *project(), *task(RENAMED, COMPLETED, MOVED)])
    history = oracle.all_events(database)
    touched = [one.event for _, one in folding.key_events(task_search.projection, history, 0, 1)]
    assert touched == [CREATED, RENAMED, MOVED]
    unknown = replace(history[-1], event=OpaqueEvent("TaskSung", b"{}"))
    assert folding.key_events(task_search.projection, [unknown], 0, 1) == [(TASK, unknown)]
