"""The text of tasks: the database indexes every text that a command accepts, and follows its changes."""

import pytest
from msgspec.structs import replace

from domain.event import Change, OpaqueEvent
from domain.task import TaskDescribed, TaskRenamed
from infra.settings import Settings
from projections import task_search
from projections.engine import folding
from projections.engine.connection import SyncConnection
from tests.examples import COMPLETED, CREATED, MOVED, PURGED, RENAMED, TASK, TRASHED, project, task, workspace
from tests.projections import oracle

MAX_TITLE_CHARACTERS, MAX_DESCRIPTION_CHARACTERS = 500, 50_000
"""The most characters of each that a command accepts."""
LONGEST_TEXTS = {
    "one long word": "я" * MAX_DESCRIPTION_CHARACTERS,
    "as many words as there is room for": " ".join(map(chr, range(0x3400, 0x3400 + MAX_DESCRIPTION_CHARACTERS // 2))),
    "as many different words of two letters": " ".join(
        chr(0x400 + one) + chr(0x400 + other) for one in range(200) for other in range(200)
    )[:MAX_DESCRIPTION_CHARACTERS],
    "one word again and again": "дом " * (MAX_DESCRIPTION_CHARACTERS // 4),
    "a word of many parts": "-".join(map(chr, range(0x20000, 0x20000 + MAX_DESCRIPTION_CHARACTERS // 2))),
    "many words of many parts": " ".join(
        "-".join(f"b{number}{part}" for part in "abcdefgh") for number in range(1_100)
    ),
    "addresses": " ".join(f"https://example.com/{number:x}/a-b-c?d=e" for number in range(1_600)),
    "numbers": " ".join(map(str, range(9_000))),
    "emoji": "\U0001f600 " * (MAX_DESCRIPTION_CHARACTERS // 2),
    "no words": "\u200b" * MAX_DESCRIPTION_CHARACTERS,
}


def search_words(database: SyncConnection) -> str:
    table = oracle.serving_build(database, "task_search").table_name.as_string(database)
    sql = f"select (title_words || description_words)::text from {table} where id = %s"  # noqa: S608 - our own text
    ((found,),) = database.execute(sql, (TASK,)).fetchall()
    return str(found)


@pytest.mark.parametrize("text", LONGEST_TEXTS.values(), ids=LONGEST_TEXTS)
def test_the_longest_texts_are_indexed(database: SyncConnection, settings: Settings, text: str) -> None:
    title, description = text[:MAX_TITLE_CHARACTERS], text[:MAX_DESCRIPTION_CHARACTERS]
    oracle.append_facts(database, [*workspace(), *project(), (TASK, CREATED)])
    oracle.append_facts(database, [(TASK, TaskRenamed(Change(CREATED.title, title)))])
    oracle.append_facts(database, [(TASK, TaskDescribed(Change(CREATED.description, description)))])
    oracle.catch_up(database)
    assert oracle.matches_log(database)
    assert not oracle.parked_documents(database, "task_search")
    assert oracle.rebuild_inline(settings.database_url, "task_search").switched
    assert not oracle.parked_documents(database, "task_search")


def test_words_weigh_more_than_stems_and_titles_more_than_descriptions(database: SyncConnection) -> None:
    described = TaskDescribed(Change(CREATED.description, "Running shoes"))
    oracle.append_facts(database, [*workspace(), *project(), (TASK, CREATED), (TASK, described)])
    oracle.append_facts(database, [(TASK, TaskRenamed(Change(CREATED.title, "Купить молока")))])
    oracle.catch_up(database)
    found = search_words(database)
    assert "'молок':" in found
    assert "'run':" in found
    weights = {one.partition(":")[0]: one[-1] for one in found.split()}
    assert weights["'молока'"] == "A"
    assert weights["'молок'"] == "B"
    assert weights["'running'"] == "C"
    assert weights["'run'"].isdecimal()  # the weight D is not written


def test_a_purged_task_leaves_no_text(database: SyncConnection) -> None:
    oracle.append_facts(database, [*workspace(), *project(), (TASK, CREATED)])
    oracle.append_facts(database, [(TASK, TRASHED), (TASK, PURGED)])
    oracle.catch_up(database)
    assert oracle.serving_rows(database, task_search.projection) == {}


def test_only_text_changes_and_unknown_events_touch_the_index(database: SyncConnection) -> None:
    oracle.append_facts(database, [*workspace(), *project(), *task(RENAMED, COMPLETED, MOVED)])
    history = oracle.all_events(database)
    touched = folding.events_by_document(task_search.projection, history, 0, 1)
    assert [one.event for one in touched[TASK]] == [CREATED, RENAMED, MOVED]
    assert touched.keys() == {TASK}
    unknown = replace(history[-1], event=OpaqueEvent("TaskSung", b"{}"))
    assert folding.events_by_document(task_search.projection, [unknown], 0, 1) == {TASK: [unknown]}
