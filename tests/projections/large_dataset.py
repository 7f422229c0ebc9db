"""A large dataset: 100,000 tasks of one workspace, in 50 projects, and 2,000 of another, written to the read models."""

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

from msgspec.structs import replace
from psycopg.sql import SQL

from domain.rank import ordinal_rank
from domain.task import Priority
from domain.watch import Watchers
from projections import comment_list, task_list, task_search
from projections.comment_list import StoredCommentRow
from projections.engine import table
from projections.engine.connection import SyncConnection
from projections.engine.folding import DocumentChange, Step
from projections.projection import Projection
from projections.search_vector import description_vector
from projections.task_list import StoredTaskRow
from projections.task_search import TaskSearchRow
from tests.examples import POINTS, fixed_uuid7, project, workspace
from tests.projections import oracle
from tests.projections.rows import build_row

LARGE_WORKSPACE_TASKS, PROJECTS_PER_WORKSPACE, SMALL_WORKSPACE_TASKS = 100_000, 50, 2_000
LARGE_WORKSPACE, SMALL_WORKSPACE = fixed_uuid7(1_001), fixed_uuid7(1_002)
"""The workspace with most of the tasks, and the one with few."""
TASKS_PER_COMMENT = 5
PARENT = fixed_uuid7(10_000)
"""A task with a few hundred sub-tasks."""
USER_IDS = [fixed_uuid7(2_000 + number) for number in range(30)]
FIRST_CREATED_AT = datetime(2024, 12, 1, tzinfo=UTC)
_PRIORITIES: tuple[Priority, ...] = ("none", "none", "none", "none", "low", "medium", "medium", "high", "urgent")
_STEMS = ("молоко", "bread", "купить", "window", "repair", "дом", "garden", "письмо", "invoice", "срочно")
_SUFFIXES = [chr(97 + number // 26) + chr(97 + number % 26) + "x" for number in range(300)]
WORDS = [*_STEMS, *(stem + suffix for suffix in _SUFFIXES for stem in _STEMS)]
"""The first words are in many tasks."""


def project_of(number: int, workspace_id: UUID = LARGE_WORKSPACE) -> UUID:
    """One of the projects of a workspace."""
    return fixed_uuid7((3_000 if workspace_id == LARGE_WORKSPACE else 4_000) + number)


def task_of(number: int) -> UUID:
    """One of the tasks of the large workspace."""
    return fixed_uuid7(10_000 + number)


def insert_dataset(database: SyncConnection) -> None:
    """Replace all rows, and analyze them at a high statistics target, so that plans are the same each time."""
    facts = [*workspace(LARGE_WORKSPACE), *workspace(SMALL_WORKSPACE)]
    for where in (LARGE_WORKSPACE, SMALL_WORKSPACE):
        for number in range(PROJECTS_PER_WORKSPACE):
            facts += project(project_of(number, where), f"P{number}", where)
    oracle.append_facts(database, facts)
    oracle.catch_up(database)
    chance = Random(1)
    tasks = [
        *_tasks(LARGE_WORKSPACE, LARGE_WORKSPACE_TASKS, chance),
        *_tasks(SMALL_WORKSPACE, SMALL_WORKSPACE_TASKS, chance),
    ]
    _replace_rows(database, task_list.projection, tasks)
    _replace_rows(database, task_search.projection, map(search_row, tasks))
    _replace_rows(database, comment_list.projection, _comments(tasks[::TASKS_PER_COMMENT], chance))


def _tasks(workspace_id: UUID, count: int, chance: Random) -> Iterator[StoredTaskRow]:
    for number in range(count):
        place, created = number % PROJECTS_PER_WORKSPACE, FIRST_CREATED_AT + timedelta(minutes=10 * number)
        updated = created + timedelta(minutes=chance.randrange(400_000))
        priority, is_done = chance.choice(_PRIORITIES), chance.random() < 0.6
        due = str(date(2026, 1, 1) + timedelta(days=chance.randrange(700))) if chance.random() < 0.5 else None
        labels = tuple(f"label {chance.randrange(40)}" for _ in range(chance.choice((0, 0, 1))))
        fields = {POINTS.key: number // 40 % 100} if number % 40 == 0 else {}
        yield build_row(
            StoredTaskRow,
            id=fixed_uuid7(10_000 + number + (workspace_id == SMALL_WORKSPACE) * LARGE_WORKSPACE_TASKS),
            workspace_id=workspace_id,
            project_id=project_of(place, workspace_id),
            key=f"P{place}-{number // PROJECTS_PER_WORKSPACE + 1}",
            number=number // PROJECTS_PER_WORKSPACE + 1,
            rank=ordinal_rank(number // PROJECTS_PER_WORKSPACE + 1),
            title=_random_words(chance, 4),
            description=_random_words(chance, 8),
            priority=priority,
            due=due,
            column="done" if is_done else chance.choice(("todo", "doing")),
            labels=labels,
            assignees=(chance.choice(USER_IDS),) if chance.random() < 0.7 else (),
            status="done" if is_done else "open",
            trashed=chance.random() < 0.02,
            archived=is_done and number % 5 == 0,
            version=1 + number % 9,
            created_at=created,
            updated_at=updated,
            created_by=chance.choice(USER_IDS),
            completed_at=updated if is_done else None,
            parent_id=PARENT if number % 400 == 350 else None,
            blocked_by=(PARENT,) if number % 400 == 150 else (),
            comments=0,
            spent=0,
            completed_by=USER_IDS[0] if is_done else None,
            due_at=task_list.due_at(due),
            start_at=task_list.start_at(None),
            tags=labels,
            fields=fields,
            field_keys=fields or None,
            former_keys=(),
            watchers=Watchers((chance.choice(USER_IDS),)),
        )


def _comments(tasks: Iterable[StoredTaskRow], chance: Random) -> Iterator[StoredCommentRow]:
    """A comment on each of the tasks."""
    for number, task in enumerate(tasks):
        text = _random_words(chance, 8)
        yield build_row(
            StoredCommentRow,
            id=fixed_uuid7(300_000 + number),
            workspace_id=task.workspace_id,
            project_id=task.project_id,
            task_id=task.id,
            text=text,
            words=description_vector(text),
        )


def _random_words(chance: Random, count: int) -> str:
    return " ".join(WORDS[int(len(WORDS) * chance.random() ** 2)] for _ in range(count))


def search_row(task: StoredTaskRow) -> TaskSearchRow:
    """The row of a task in the task search."""
    return task_search.row_of(task.id, task.workspace_id, task.project_id, task.key, task.title, task.description)


def _changed_once(row: Any) -> DocumentChange:
    """A document that has an earlier version, until the second position."""
    created = oracle.new_document(row.id, row)
    return created._replace(steps=[*created.steps, Step(replace(oracle.FIRST_EVENT, position=2), row)])


def _replace_rows(database: SyncConnection, projection: Projection[Any], rows: Iterable[Any]) -> None:
    build = oracle.serving_build(database, projection)
    with database.transaction():
        database.execute(SQL("drop table {}").format(SQL(", ").join(build.table_names)))
        database.execute(table.create_table_sql(build))
        table.copy_documents(database, build, (_changed_once(row) for row in rows))
        for statement in table.create_index_sql(build):
            database.execute(statement)
    database.execute("set default_statistics_target = 400")
    database.execute(SQL("vacuum (analyze) {}").format(SQL(", ").join(build.table_names)))
