"""Filters in SQL match the tasks that they describe; each check is proven by a planted defect."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, TypeAlias

import msgspec
import psycopg
import pytest
from hypothesis import strategies as st

from domain.filter import Phrase, Term, Word, parse, quote
from projections import filter_sql as conditions
from projections.engine.connection import SyncConnection
from projections.filter_sql import compile_filter
from projections.task_list import NO_DUE_AT
from tests.domain import filter_strategies as any_filters
from tests.examples import ADA, PROJECT
from tests.law import law
from tests.planted_defects import assert_check_fails
from tests.projections import naive_filter
from tests.projections.filter_table import CREATE_TABLES, TODAY, contexts, filters, insert_rows, rows, select_ids
from tests.projections.naive_filter import FilterableTask, FilterContext

Check: TypeAlias = Callable[[SyncConnection], None]
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
CONTEXT = FilterContext(ADA.id, NOON)
ZONES = ["UTC", "Pacific/Kiritimati", "America/Los_Angeles"]
HOSTILE = ["'; drop table task; --", "%(f0)s", "%", "{0}", "\\", '"', "a' or true", "$1", "[]", '"]', "<->", "!", ":*"]


def task_row(number: int, **more: Any) -> FilterableTask:
    """An open task with no optional fields."""
    plain = FilterableTask(number, "open", "none", (), (), PROJECT, "todo", f"HOME-{number}", NOON, NOON, None, "", "")
    return msgspec.structs.replace(plain, **more)


def matching_ids(database: SyncConnection, text: str, **how: bool) -> list[int]:
    return select_ids(database, parse(text), CONTEXT, **how)


@pytest.fixture(autouse=True)
def _tables(database: SyncConnection) -> None:
    database.execute(CREATE_TABLES)


def every_filter_finds_what_it_says(database: SyncConnection) -> None:
    """In any time zone of the session."""

    @law(rows, filters, contexts, st.sampled_from(ZONES), examples=200)
    def finds(rows: Sequence[FilterableTask], text: str, asking: FilterContext, zone: str) -> None:
        database.execute("select set_config('timezone', %s, false)", (zone,))
        insert_rows(database, rows)
        terms = parse(text)
        for some in (terms, *((term,) for term in terms)):
            assert select_ids(database, some, asking) == sorted(naive_filter.matching_ids(rows, some, asking)), text

    finds()


def a_task_is_overdue_after_its_day(database: SyncConnection) -> None:
    tomorrow = TODAY + timedelta(days=1)
    insert_rows(
        database,
        [task_row(1), task_row(2, due=TODAY), task_row(3, due=tomorrow), task_row(4, due=NOON - timedelta(hours=1))],
    )
    assert matching_ids(database, "due<now") == [4]
    assert matching_ids(database, "due<today") == []
    assert (
        matching_ids(database, "due<=today")
        == matching_ids(database, "due:today")
        == matching_ids(database, "due<tomorrow")
        == [2, 4]
    )
    assert matching_ids(database, "due>today") == matching_ids(database, "due:tomorrow") == [3]
    assert matching_ids(database, "due:2026-03-01 due>now") == [2]


def tasks_without_due_date_match_no_time(database: SyncConnection) -> None:
    insert_rows(database, [task_row(1), task_row(2, due=TODAY)])
    assert (
        matching_ids(database, "due>=today")
        == matching_ids(database, "-due:none")
        == matching_ids(database, "due<=9999-12-31")
        == [2]
    )
    assert matching_ids(database, "due>today") == matching_ids(database, "due:9999-12-31") == []
    assert (
        matching_ids(database, "due>9999-12-31") == matching_ids(database, 'due>="9999-12-31T23:59:59.999999Z"') == []
    )
    assert matching_ids(database, "-due<today") == [1, 2]
    assert matching_ids(database, "-due>=today") == matching_ids(database, "due:none") == [1]


def names_match_in_any_case_and_not_by_prefix(database: SyncConnection) -> None:
    insert_rows(
        database,
        [task_row(1, labels=("Срочно",)), task_row(2, labels=("none",), key="HOMES-2"), task_row(3, column="Todo")],
    )
    assert matching_ids(database, "label:СРОЧНО") == [1]
    assert matching_ids(database, "-label:срочн -label:none") == matching_ids(database, "-column:Todo") == [1, 2]
    assert (matching_ids(database, "label:none"), matching_ids(database, 'label:"None"')) == ([3], [2])
    assert matching_ids(database, "project:home") == matching_ids(database, "-key:homes-2") == [1, 3]


def words_match_in_all_their_forms(database: SyncConnection) -> None:
    insert_rows(
        database,
        [task_row(1, title="Куплены молочные бутылки"), task_row(2, title="Running shops", description="Книги")],
    )
    assert (
        matching_ids(database, "бутылка")
        == matching_ids(database, "бутылкой молочный")
        == matching_ids(database, '"молочная бутылка"')
        == [1]
    )
    assert (
        matching_ids(database, "run")
        == matching_ids(database, "SHOP книга")
        == matching_ids(database, '"runs shop"')
        == [2]
    )
    assert matching_ids(database, '"shop run"') == matching_ids(database, '"бутылка молочная"') == []
    assert matching_ids(database, "-книгами") == [1]


def stop_words_are_ignored(database: SyncConnection) -> None:
    insert_rows(database, [task_row(1, title="milk"), task_row(2, title="the bread")])
    for text in ("the", "-the", '"и the"', '-"и the"', '""', "#", "-@", "or", "milk milk the -и", 'milk -""'):
        assert matching_ids(database, text) == ([1] if "milk" in text else [1, 2]), text


def better_matches_rank_first(database: SyncConnection) -> None:
    """A word in the title before one in the description, more often before less, in both languages."""
    titles = {1: "Bread", 2: "Buy milk", 3: "Хлеб", 4: "Купить молоко"}
    also = {1: "with milk", 3: "и молоко", 4: "Молоко, и ещё раз молоко"}
    insert_rows(
        database, [task_row(each, title=title, description=also.get(each, "")) for each, title in titles.items()]
    )
    assert matching_ids(database, "milk", by_rank=True) == [2, 1]
    assert matching_ids(database, "молока", by_rank=True) == matching_ids(database, '"молоко"', by_rank=True) == [4, 3]
    assert matching_ids(database, "status:open milk -хлеб the", by_rank=True) == [2, 1]
    for text in ("", "status:open", "-milk"):
        assert not compile_filter(parse(text), me=ADA.id, now=NOON).rank_sql, text


def ranking_is_no_slower_than_matching(database: SyncConnection) -> None:
    """The longest query, on texts of the maximum length that contain all of its words as often as possible."""
    pairs = [first + second for first in "bcdfghjklm" for second in "nprstvwxz0"]
    insert_rows(database, [task_row(each, title="Long", description=" ".join(pairs * 125)) for each in range(1, 31)])
    database.execute("set statement_timeout = '3s'")
    for text in (" ".join(pairs), quote(" ".join(pairs)), quote(" ".join(pairs)) + " the"):
        try:
            assert len(matching_ids(database, text, by_rank=True)) == 30
        except psycopg.errors.QueryCanceled as error:
            raise AssertionError(text) from error


def values_are_never_part_of_the_sql(database: SyncConnection) -> None:
    insert_rows(database, [task_row(1, title="milk")])
    for field in ("", "label:", "column:"):
        plain = compile_filter(parse(f'{field}"a" -{field}"b"'), me=ADA.id, now=NOON).sql
        for text in HOSTILE:
            terms = parse(f"{field}{quote(text)} -{field}{quote(text)}")
            assert compile_filter(terms, me=ADA.id, now=NOON).sql == plain
            select_ids(database, terms, CONTEXT)


def any_filter_compiles_and_runs(database: SyncConnection) -> None:
    @law(any_filters.filters, examples=150)
    def asks(terms: list[Term]) -> None:
        made = compile_filter(terms, me=ADA.id, now=NOON)
        try:
            select_ids(database, terms, CONTEXT, by_rank=bool(made.rank_sql))
        except psycopg.Error as error:
            raise AssertionError(made) from error

    asks()


def filters_without_relative_time_compile_the_same_at_any_time(database: SyncConnection) -> None:
    def asked(text: str, now: datetime) -> object:
        made = compile_filter(parse(text), me=ADA.id, now=now)
        return made.sql, msgspec.json.encode(made.parameters)

    for text in ("status:open milk", "due:today", "created>yesterday -due<=tomorrow", "due:none", "due<2026-12-01"):
        assert asked(text, NOON) == asked(text, NOON + timedelta(hours=11)), text
    assert asked("due:today", NOON) != asked("due:today", NOON + timedelta(days=1))
    assert asked("due<now", NOON) != asked("due<now", NOON + timedelta.resolution)


CHECKS: list[Check] = [
    every_filter_finds_what_it_says,
    a_task_is_overdue_after_its_day,
    tasks_without_due_date_match_no_time,
    names_match_in_any_case_and_not_by_prefix,
    words_match_in_all_their_forms,
    stop_words_are_ignored,
    better_matches_rank_first,
    ranking_is_no_slower_than_matching,
    values_are_never_part_of_the_sql,
    any_filter_compiles_and_runs,
    filters_without_relative_time_compile_the_same_at_any_time,
]


@pytest.mark.parametrize("check", CHECKS)
def test_filter_checks_hold(database: SyncConnection, check: Check) -> None:
    check(database)


def test_only_words_need_the_table_of_texts() -> None:
    for text, words in (("status:open", False), ("", False), ("milk", True), ('-"milk"', True)):
        assert bool(compile_filter(parse(text), me=ADA.id, now=NOON).text_sql) is words, text


def test_an_empty_filter_matches_everything() -> None:
    assert compile_filter((), me=ADA.id, now=NOON).sql == "true"


def _patch_result(patch: pytest.MonkeyPatch, name: str, change: Callable[..., Any]) -> None:
    """Change what a function of the module returns."""
    function = getattr(conditions, name)
    patch.setattr(conditions, name, lambda *given: change(function(*given), *given))


def negation_applied_to_the_first_half(patch: pytest.MonkeyPatch) -> None:
    def bare(piece: tuple[str, Any], *_: object) -> tuple[str, Any]:
        sql, values = piece
        return sql.replace("not (", "not ").removesuffix(")") if sql.startswith("not (") else sql, values

    _patch_result(patch, "_term_sql", bare)


def last_day_excluded(patch: pytest.MonkeyPatch) -> None:
    span = conditions._time_bounds  # noqa: SLF001 - the defect belongs in this function
    patch.setattr(
        conditions, "_time_bounds", lambda operator, *extent: span("<" if operator == "<=" else operator, *extent)
    )


def missing_due_dates_match_the_future(patch: pytest.MonkeyPatch) -> None:
    def open_ended(piece: tuple[str, Any], *_: object) -> tuple[str, Any]:
        sql, values = piece
        never = values[-1:] == (NO_DUE_AT,) and " and " in sql
        return (sql.split(" and ")[0], values[:1]) if never else piece

    _patch_result(patch, "_time_sql", open_ended)


def days_in_another_time_zone(patch: pytest.MonkeyPatch) -> None:
    def shifted(extent: tuple[datetime, datetime], *_: object) -> tuple[datetime, datetime]:
        start, end = extent
        whole = end - start == timedelta(days=1)
        return (start + timedelta(hours=3), end + timedelta(hours=3)) if whole else extent

    _patch_result(patch, "_time_range", shifted)


def today_moves_with_the_clock(patch: pytest.MonkeyPatch) -> None:
    def moving(extent: tuple[datetime, datetime], when: object, now: datetime) -> tuple[datetime, datetime]:
        return (extent[0], now + timedelta(days=1)) if when == "today" else extent

    _patch_result(patch, "_time_range", moving)


def labels_compared_with_case(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(conditions, "normalize_label", lambda label: label)


def keys_matched_by_prefix(patch: pytest.MonkeyPatch) -> None:
    def alike(piece: tuple[str, Any], *_: object) -> tuple[str, Any]:
        return piece[0].replace("split_part(task.key, '-', 1) = {0}", "starts_with(task.key, {0})"), piece[1]

    _patch_result(patch, "_comparison_sql", alike)


def stop_words_match_nothing(patch: pytest.MonkeyPatch) -> None:
    def strict(piece: tuple[str, Any], *_: object) -> tuple[str, Any]:
        return piece[0].replace(") = 0 or", ") = -1 or"), piece[1]

    _patch_result(patch, "_term_sql", strict)


def phrases_matched_in_any_order(patch: pytest.MonkeyPatch) -> None:
    patch.setitem(conditions._TSQUERY_SQL, Phrase, "plainto_tsquery('russian', {0})")  # noqa: SLF001 - as above


def words_stemmed_in_one_language(patch: pytest.MonkeyPatch) -> None:
    patch.setitem(conditions._TSQUERY_SQL, Word, "websearch_to_tsquery('english', {0})")  # noqa: SLF001 - as above


def queries_ranked_together(patch: pytest.MonkeyPatch) -> None:
    _patch_result(patch, "_rank_sql", lambda rank, *_: rank.replace("||", "&&"))


def phrases_ranked_alone(patch: pytest.MonkeyPatch) -> None:
    _patch_result(patch, "_rank_sql", lambda _, queries: f"ts_rank(search.document, {' || '.join(queries)})")


def values_formatted_into_the_sql(patch: pytest.MonkeyPatch) -> None:
    def pasted(piece: tuple[str, Any], *_: object) -> tuple[str, Any]:
        sql, values = piece
        return (sql.replace("{0}", "'{}'").format(*values), ()) if "column" in sql else piece

    _patch_result(patch, "_comparison_sql", pasted)


DEFECTS: list[tuple[Callable[[pytest.MonkeyPatch], None], Check]] = [
    (negation_applied_to_the_first_half, every_filter_finds_what_it_says),
    (labels_compared_with_case, names_match_in_any_case_and_not_by_prefix),
    (keys_matched_by_prefix, names_match_in_any_case_and_not_by_prefix),
    (phrases_matched_in_any_order, words_match_in_all_their_forms),
    (days_in_another_time_zone, every_filter_finds_what_it_says),
    (last_day_excluded, a_task_is_overdue_after_its_day),
    (missing_due_dates_match_the_future, tasks_without_due_date_match_no_time),
    (words_stemmed_in_one_language, words_match_in_all_their_forms),
    (stop_words_match_nothing, stop_words_are_ignored),
    (queries_ranked_together, ranking_is_no_slower_than_matching),
    (phrases_ranked_alone, ranking_is_no_slower_than_matching),
    (values_formatted_into_the_sql, values_are_never_part_of_the_sql),
    (today_moves_with_the_clock, filters_without_relative_time_compile_the_same_at_any_time),
]


@pytest.mark.parametrize(("plant", "check"), DEFECTS)
def test_a_planted_defect_is_noticed(
    database: SyncConnection, monkeypatch: pytest.MonkeyPatch, plant: Callable[[pytest.MonkeyPatch], None], check: Check
) -> None:
    plant(monkeypatch)
    assert_check_fails(partial(check, database))
