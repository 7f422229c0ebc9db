"""Answers to questions, read from the serving tables without an API process."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec
from psycopg.rows import dict_row

from infra.reading.tables import with_table_names
from projections import task_page
from projections.engine import builds, table
from projections.engine.connection import SyncConnection
from projections.field_sql import FilterContext
from projections.question import Answer, Question
from projections.task_page import TaskPageOptions
from projections.task_page_sql import project_scope
from tests.examples import ADA

NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)
CALLER = FilterContext(ADA.id, NOW)


def answer(database: SyncConnection, question: Question) -> Answer | None:
    """The answer to a question, from the current tables."""
    numbers = {name: build.number for name, build in builds.serving_builds(database).items()}
    found = list[list[Any]]()
    for query in question.queries:
        with database.cursor(row_factory=dict_row) as cursor:
            rows = cursor.execute(with_table_names(query.sql, numbers), question.parameters).fetchall()
        found.append([table.row_to_struct(query.row_type, row) for row in rows])
    return question.build_answer(*found)


def answer_body(database: SyncConnection, question: Question) -> Any:
    """The decoded body of the answer to a question."""
    found = answer(database, question)
    assert found is not None
    return msgspec.json.decode(found.body)


def all_tasks_of(project: UUID) -> Question:
    """All tasks of a small project."""
    return task_page.page(project_scope(project), TaskPageOptions(limit=200), CALLER)
