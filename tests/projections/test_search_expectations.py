"""Search finds what people expect, in several languages, and a denial finds exactly the rest."""

import pytest
from psycopg.sql import SQL

from domain.filter import parse
from infra.clock import now
from projections.engine.connection import SyncConnection
from projections.field_sql import FilterContext
from projections.search_vector import description_vector, title_vector
from tests.examples import ADA
from tests.projections.filter_table import compile_for_tables
from tests.projections.search_expectations import EXPECTATIONS

FOUND = [(title, each) for title, found, _ in EXPECTATIONS for each in found.split(" | ")]
NOT_FOUND = [(title, each) for title, _, missing in EXPECTATIONS for each in missing.split(" | ")]
TITLES = [title for title, _, _ in EXPECTATIONS]


@pytest.fixture
def _texts(database: SyncConnection) -> None:
    database.execute("create temporary table search (id int, title_words tsvector, description_words tsvector)")
    database.execute("create temporary table comment (task_id int, workspace_id int, words tsvector)")
    with database.cursor() as cursor:
        rows = [(number, title_vector(title).to_text()) for number, title in enumerate(TITLES)]
        cursor.executemany("insert into search values (%s, %s, '')", rows)


def found_and_denied(database: SyncConnection, filter_: str) -> tuple[set[str], set[str]]:
    """The titles that a filter finds, and those that its denial finds."""
    context = FilterContext(ADA.id, now())
    found, denied = (compile_for_tables(parse(each), context) for each in (filter_, f"-({filter_})"))
    sql = SQL(f"select id, {found.sql}, {denied.sql} from search")  # noqa: S608 - this is what is tested
    assert found.parameters.items() >= denied.parameters.items()
    rows = database.execute(sql, found.parameters).fetchall()
    return {TITLES[number] for number, yes, _ in rows if yes}, {TITLES[number] for number, _, no in rows if no}


@pytest.mark.usefixtures("_texts")
def test_a_text_is_found_by_what_people_write_and_a_denial_finds_the_rest(database: SyncConnection) -> None:
    assert len(FOUND) + len(NOT_FOUND) > 400
    answers = {filter_: found_and_denied(database, filter_) for _, filter_ in (*FOUND, *NOT_FOUND)}
    missed = [(filter_, title) for title, filter_ in FOUND if title not in answers[filter_][0]]
    surplus = [(filter_, title) for title, filter_ in NOT_FOUND if title in answers[filter_][0]]
    not_denied = [filter_ for filter_, (found, denied) in answers.items() if denied != {*TITLES} - found]
    assert not missed, "not found:\n" + "\n".join(map(repr, missed))
    assert not surplus, "found:\n" + "\n".join(map(repr, surplus))
    assert not not_denied


def test_a_long_row_of_symbols_has_few_lexemes() -> None:
    assert len(description_vector("\U0001f6d2" * 50_000)) < 100
    assert len(description_vector("-.-/" * 12_500)) < 100
