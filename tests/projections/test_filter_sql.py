"""Filters in SQL match the tasks that they describe; each check is proven by a planted defect."""

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from types import ModuleType
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

import msgspec
import psycopg
import pytest
from hypothesis import strategies as st

from domain.errors import FilterValue
from domain.filter import Term, parse, quote
from projections import field_sql, filter_compiler, filter_sql, relevance, search_query, time_sql, word_sql
from projections.engine.connection import SyncConnection
from projections.field_sql import FilterContext
from projections.filter_compiler import FilterCompiler
from projections.filter_sql import compile_filter
from projections.search_lexemes import stem
from projections.task_list import NO_DUE_AT
from projections.word_sql import MATCHES_SQL, WordSql
from tests.domain import filter_strategies as any_filters
from tests.examples import ADA, PROJECT
from tests.law import law
from tests.planted_defects import assert_check_fails
from tests.projections import filter_table, naive_filter
from tests.projections.filter_table import CREATE_TABLES, TODAY, contexts, filters, insert_rows, rows, select_ids
from tests.projections.naive_filter import FilterableTask

pytestmark = pytest.mark.slow

Check: TypeAlias = Callable[[SyncConnection], None]
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
CONTEXT = FilterContext(ADA.id, NOON)
ZONES = ["UTC", "Pacific/Kiritimati", "America/Los_Angeles"]
HOSTILE = ["'; drop table task; --", "%(f0)s", "%", "{0}", "\\", '"', "a' or true", "$1", "[]", '"]', "<->", "!", ":*"]


def task_row(number: int, **more: Any) -> FilterableTask:
    """An open task with no optional fields."""
    plain = FilterableTask(
        number, "open", "none", (), (), PROJECT, "todo", ADA.id, f"HOME-{number}", NOON, NOON, None, "", ""
    )
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


def days_are_those_of_the_readers_zone(database: SyncConnection) -> None:
    """An instant is on the day that their calendar shows; a due day is that day everywhere, and ends with theirs."""
    late, early = datetime(2026, 3, 1, 20, tzinfo=UTC), datetime(2026, 3, 1, 3, tzinfo=UTC)
    insert_rows(
        database,
        [task_row(1, due=TODAY, created=late), task_row(2, due=late, created=early), task_row(3, due=early)],
    )
    for zone, now, found in (
        ("UTC", NOON, {"due:today": [1, 2, 3], "created:today": [1, 2, 3], "is:overdue": [3]}),
        ("Asia/Tokyo", NOON, {"due:today": [1, 3], "due:tomorrow": [2], "created:today": [2, 3], "is:overdue": [3]}),
        ("Asia/Tokyo", late, {"due:yesterday": [1, 3], "due:today": [2], "is:overdue": [1, 3], "due<now": [1, 3]}),
        ("America/New_York", NOON, {"due:today": [1, 2], "due:yesterday": [3], "created:2026-02-28": [2]}),
        ("America/New_York", late, {"is:overdue": [3], "due<=now": [2, 3], "due>now": [1]}),
    ):
        context = FilterContext(ADA.id, now, ZoneInfo(zone))
        for text, ids in found.items():
            assert select_ids(database, parse(text), context) == ids, (zone, now, text)


def relative_times_are_counted_from_now(database: SyncConnection) -> None:
    """2026-03-01 is a Sunday."""
    for text, same in {
        "due:today+7d": "due:2026-03-08", "due:today-2w": "due:2026-02-15", "due:-2w": "due:2026-02-15",
        "due:start-of-week": "due:2026-02-23", "due:end-of-week": "due:today", "due:start-of-month": "due:2026-03-01",
        "due:end-of-month": "due:2026-03-31", "due:end-of-month-1m": "due:2026-02-28",
        "due:today+1y": "due:2027-03-01",
        "due:end-of-month+1m": "due:2026-04-30",
        "due:start-of-year": "due:2026-01-01", "due:tomorrow+1m": "due:2026-04-02",
        "due:end-of-year-10m": "due:2026-02-28", "due:today+9999y": "due:9999-12-31",
        "due:today-9999y": "due:0001-01-01",
        "due<now-3h": 'due<"2026-03-01T09:00:00Z"', "created>now+1m": 'created>"2026-04-01T12:00:00Z"',
    }.items():  # fmt: skip
        compiled = [compile_filter(parse(each), CONTEXT) for each in (text, same)]
        assert (compiled[0].sql, compiled[0].parameters) == (compiled[1].sql, compiled[1].parameters), text
        select_ids(database, parse(text), FilterContext(ADA.id, NOON, ZoneInfo("Asia/Tokyo")))


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


def a_term_and_its_denial_never_both_find_everything(database: SyncConnection) -> None:
    """Stop words, symbols and emoji are looked for literally; what is nothing at all is found everywhere."""
    titles = {1: "milk", 2: "the bread #", 3: "и дом @ home", 4: "\N{PARTY POPPER} or"}
    insert_rows(database, [task_row(each, title=title) for each, title in titles.items()])
    every = set(titles)
    for text, found in {
        "the": {2}, "и": {3}, '"or"': {4}, '"и the"': set(), "#": {2}, "@": {3}, '"\N{PARTY POPPER}"': {4},
        "absent": set(), '""': every, '"\u200b"': every, "milk": {1}, "the bread": {2},
    }.items():  # fmt: skip
        assert set(matching_ids(database, text)) == found, text
        denied = f"-({text})" if " " in text else f"-{text}"
        assert set(matching_ids(database, denied)) == every - found, denied


def better_matches_rank_first(database: SyncConnection) -> None:
    """A word in the title before one in the description, in both languages."""
    titles = {1: "Bread", 2: "Buy milk", 3: "Хлеб", 4: "Купить молоко"}
    also = {1: "with milk", 3: "и молоко", 4: "Молоко, и ещё раз молоко"}
    insert_rows(
        database, [task_row(each, title=title, description=also.get(each, "")) for each, title in titles.items()]
    )
    assert matching_ids(database, "milk", by_rank=True) == [2, 1]
    assert matching_ids(database, "молока", by_rank=True) == matching_ids(database, '"молоко"', by_rank=True) == [4, 3]
    assert matching_ids(database, "status:open milk -хлеб -the", by_rank=True) == [2, 1]
    for text in ("", "status:open", "-milk"):
        assert not compile_filter(parse(text), CONTEXT).level_sqls, text


def exact_words_rank_before_stems_and_titles_before_descriptions(database: SyncConnection) -> None:
    """However often the others occur."""
    runs, run = "running " * 60, "run " * 60
    insert_rows(
        database,
        [
            task_row(1, title="Runs"),
            task_row(2, title="Run"),
            task_row(3, title="Shoes", description=runs),
            task_row(4, title="Shoes", description=run),
            task_row(5, title=runs),
        ],
    )
    assert matching_ids(database, "run", by_rank=True) == [2, 5, 1, 4, 3]
    assert matching_ids(database, "runs", by_rank=True)[0] == 1
    assert matching_ids(database, "running", by_rank=True)[0] == 5
    assert matching_ids(database, "run or runs", by_rank=True)[-1] == 3


def words_in_the_title_rank_by_their_number_then_by_form(database: SyncConnection) -> None:
    rows = [
        task_row(1, title="Oven", description="fresh breads"),
        task_row(2, title="Oven", description="fresh bread"),
        task_row(3, title="Bread oven", description="fresh"),
        task_row(4, title="Breads, the fresh ones"),
        task_row(5, title="Bread, the fresh one"),
        task_row(6, title="Fresh bread"),
    ]
    insert_rows(database, rows)
    assert matching_ids(database, "fresh bread", by_rank=True) == [6, 5, 4, 3, 2, 1]
    insert_rows(database, [task_row(10 - each.id, title=each.title, description=each.description) for each in rows])
    assert matching_ids(database, "fresh bread", by_rank=True) == [5, 4, 6, 7, 8, 9]
    assert matching_ids(database, '"fresh bread"', by_rank=True) == [4, 8, 9]
    assert matching_ids(database, "fresh (bread or oven) -the", by_rank=True) == [4, 9, 8, 7]


def a_word_in_a_comment_counts_as_one_of_the_task(database: SyncConnection) -> None:
    """Each term is met by the texts of the task or by one comment; what is in a comment only ranks last."""
    insert_rows(
        database,
        [
            task_row(1, title="Shoes", description="runs"),
            task_row(2, title="Buy milk", comments=("The oat one, for the bread", "Running late")),
            task_row(3, title="Milk", description="Oat"),
            task_row(4, title="Bread", comments=("milk",)),
        ],
    )
    assert matching_ids(database, "run", by_rank=True) == [1, 2]
    assert matching_ids(database, "milk", by_rank=True) == [3, 2, 4]
    assert matching_ids(database, "milk oat", by_rank=True) == [3, 2]
    assert matching_ids(database, "milk bread") == [2, 4]
    assert matching_ids(database, '"oat one"') == [2]
    assert matching_ids(database, '"one running"') == matching_ids(database, '"milk oat"') == []
    assert matching_ids(database, "-milk") == [1]
    assert matching_ids(database, "milk -run", by_rank=True) == matching_ids(database, "-(-milk or runs)") == [3, 4]
    assert matching_ids(database, "status:done or oat") == [2, 3]


def punctuation_as_it_is_written_ranks_first(database: SyncConnection) -> None:
    insert_rows(database, [task_row(1, title="iPhone-15 case"), task_row(2, title="iPhone 15 cover")])
    assert matching_ids(database, "iphone-15", by_rank=True) == [1, 2]
    assert matching_ids(database, '"iphone 15"', by_rank=True) == [2, 1]


def a_task_is_of_one_level_of_relevance(database: SyncConnection) -> None:
    @law(filter_table.rows, filter_table.filters, examples=150)
    def asks(rows: Sequence[FilterableTask], text: str) -> None:
        insert_rows(database, rows)
        terms = parse(text)
        if compile_filter(terms, CONTEXT).level_sqls:
            assert sorted(select_ids(database, terms, CONTEXT, by_rank=True)) == select_ids(database, terms, CONTEXT)

    asks()


def what_is_met_by_lacking_a_word_is_of_one_level_too(database: SyncConnection) -> None:
    """A title without any of the words that are asked for, which is of the first level all the same."""
    insert_rows(
        database, [task_row(1, title="milk"), task_row(2, title="oat bread"), task_row(3, title="bread absent")]
    )
    for asked in ("oat bread", '"oat bread"', "oat (bread or butter)"):
        assert matching_ids(database, f"({asked} or -absent)", by_rank=True) == [2, 1]


def ranking_is_no_slower_than_matching(database: SyncConnection) -> None:
    """The longest query, on texts of the maximum length that contain all of its words as often as possible."""
    pairs = [first + second for first in "bcdfghjklm" for second in "nprstvwxz0"]
    insert_rows(database, [task_row(each, title="Long", description=" ".join(pairs * 125)) for each in range(1, 31)])
    database.execute("set statement_timeout = '3s'")
    for text in (" ".join(pairs), quote(" ".join(pairs)), quote(" ".join(pairs)) + " -the"):
        try:
            assert len(matching_ids(database, text, by_rank=True)) == 30
        except psycopg.errors.QueryCanceled as error:
            raise AssertionError(text) from error


def values_are_never_part_of_the_sql(database: SyncConnection) -> None:
    insert_rows(database, [task_row(1, title="milk")])
    for field in ("", "label:", "column:"):
        plain = compile_filter(parse(f'{field}"a" -{field}"b"'), CONTEXT).sql
        for text in HOSTILE:
            terms = parse(f"{field}{quote(text)} -{field}{quote(text)}")
            assert compile_filter(terms, CONTEXT).sql == plain
            select_ids(database, terms, CONTEXT)


def any_filter_compiles_and_runs(database: SyncConnection) -> None:
    @law(any_filters.filters, examples=150)
    def asks(terms: list[Term]) -> None:
        try:
            made = compile_filter(terms, CONTEXT)
        except FilterValue as refusal:
            assert refusal.params["field"] == "at"  # noqa: PT017 - a time that is still to come
            return
        try:
            select_ids(database, terms, CONTEXT, by_rank=bool(made.level_sqls))
        except psycopg.Error as error:
            raise AssertionError(made) from error

    asks()


def filters_without_relative_time_compile_the_same_at_any_time(database: SyncConnection) -> None:
    def asked(text: str, now: datetime) -> object:
        made = compile_filter(parse(text), FilterContext(ADA.id, now))
        return made.sql, msgspec.json.encode(made.parameters)

    for text in ("status:open milk", "due:today", "created>yesterday -due<=tomorrow", "due:none", "due<2026-12-01"):
        assert asked(text, NOON) == asked(text, NOON + timedelta(hours=11)), text
    assert asked("due:today", NOON) != asked("due:today", NOON + timedelta(days=1))
    assert asked("due<now", NOON) != asked("due<now", NOON + timedelta.resolution)


CHECKS: list[Check] = [
    every_filter_finds_what_it_says,
    a_task_is_overdue_after_its_day,
    tasks_without_due_date_match_no_time,
    days_are_those_of_the_readers_zone,
    relative_times_are_counted_from_now,
    names_match_in_any_case_and_not_by_prefix,
    words_match_in_all_their_forms,
    a_term_and_its_denial_never_both_find_everything,
    better_matches_rank_first,
    exact_words_rank_before_stems_and_titles_before_descriptions,
    words_in_the_title_rank_by_their_number_then_by_form,
    a_word_in_a_comment_counts_as_one_of_the_task,
    punctuation_as_it_is_written_ranks_first,
    a_task_is_of_one_level_of_relevance,
    what_is_met_by_lacking_a_word_is_of_one_level_too,
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
        assert bool(compile_filter(parse(text), CONTEXT).text_sql) is words, text


def test_an_empty_filter_matches_everything() -> None:
    assert compile_filter((), CONTEXT).sql == "true"


def _patch_result(patch: pytest.MonkeyPatch, module: ModuleType, name: str, change: Callable[..., Any]) -> None:
    """Change what a function of the module returns."""
    function = getattr(module, name)
    patch.setattr(module, name, lambda *given, **named: change(function(*given, **named), *given))


def negation_applied_to_the_first_half(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(filter_compiler, "negated", lambda sql: f"not {sql}")


def alternatives_without_parentheses(patch: pytest.MonkeyPatch) -> None:
    conjunction_sql = FilterCompiler.conjunction_sql

    def bare(compiler: Any, terms: Sequence[Term], word_sql: Any) -> str:
        pieces = [conjunction_sql(compiler, [term], word_sql) for term in terms]
        return " and ".join(sql[1:-1] if " or " in sql and sql.startswith("(") else sql for sql in pieces) or "true"

    patch.setattr(FilterCompiler, "conjunction_sql", bare)


def last_day_excluded(patch: pytest.MonkeyPatch) -> None:
    span = time_sql._time_bounds  # noqa: SLF001 - the defect belongs in this function
    patch.setattr(
        time_sql, "_time_bounds", lambda operator, *extent: span("<" if operator == "<=" else operator, *extent)
    )


def missing_due_dates_match_the_future(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(time_sql, "NO_DUE_AT", NO_DUE_AT - timedelta.resolution)
    _patch_result(
        patch,
        time_sql,
        "_dated_sql",
        lambda piece, *_: (piece[0].split(" and ")[0], piece[1][:1]) if " and " in piece[0] else piece,
    )


def days_in_another_time_zone(patch: pytest.MonkeyPatch) -> None:
    _patch_result(patch, time_sql, "_midnight", lambda at, *_: at + timedelta(hours=5))


def due_days_compared_as_instants(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(time_sql, "_wall_clock", lambda at, _: at)


def months_of_equal_length(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(time_sql, "_end_of_month", lambda day: day.replace(day=28))


def today_moves_with_the_clock(patch: pytest.MonkeyPatch) -> None:
    def moving(extent: tuple[datetime, datetime], when: object, now: datetime, *_: object) -> tuple[datetime, datetime]:
        return (extent[0], now + timedelta(days=1)) if when == "today" else extent

    _patch_result(patch, time_sql, "time_range", moving)


def labels_compared_with_case(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(field_sql, "normalize_label", lambda label: label)


def keys_matched_by_prefix(patch: pytest.MonkeyPatch) -> None:
    def alike(piece: tuple[str, Any], *_: object) -> tuple[str, Any]:
        return piece[0].replace("split_part(task.key, '-', 1) = {0}", "starts_with(task.key, {0})"), piece[1]

    _patch_result(patch, field_sql, "_place_sql", alike)


def stop_words_match_everything(patch: pytest.MonkeyPatch) -> None:
    def emptied(query: search_query.SearchQuery, text: str) -> search_query.SearchQuery:
        return msgspec.structs.replace(query, anywhere="") if text in {"the", "и"} else query

    _patch_result(patch, relevance, "search_query", emptied)


def phrases_matched_in_any_order(patch: pytest.MonkeyPatch) -> None:
    def alike(query: search_query.SearchQuery, *_: object) -> search_query.SearchQuery:
        return msgspec.structs.replace(query, anywhere=re.sub(r"<\d+>", "&", query.anywhere))

    _patch_result(patch, filter_compiler, "text_query", alike)


def words_stemmed_in_one_language(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(search_query, "stem", lambda word: stem(word) if word.isascii() else word)


def words_ranked_by_stems_alone(patch: pytest.MonkeyPatch) -> None:
    def alike(query: search_query.SearchQuery, *_: object) -> search_query.SearchQuery:
        return msgspec.structs.replace(query, as_written=query.anywhere, as_written_in_title=query.in_title)

    _patch_result(patch, relevance, "search_query", alike)


def titles_ranked_like_descriptions(patch: pytest.MonkeyPatch) -> None:
    def alike(query: search_query.SearchQuery, *_: object) -> search_query.SearchQuery:
        return msgspec.structs.replace(query, in_title=query.anywhere, title_words=query.anywhere)

    _patch_result(patch, relevance, "search_query", alike)


def levels_include_better_ones(patch: pytest.MonkeyPatch) -> None:
    def open_ended(levels: tuple[relevance.RelevanceLevel, ...], *_: object) -> tuple[relevance.RelevanceLevel, ...]:
        return tuple(msgspec.structs.replace(level, distinction=level.query) for level in levels)

    _patch_result(patch, filter_sql, "relevance_levels", open_ended)


def comments_left_out_of_denials(patch: pytest.MonkeyPatch) -> None:
    word_sql_of, own_texts_sql = WordSql.of, f"not ({MATCHES_SQL})"
    patch.setattr(
        WordSql,
        "of",
        lambda workspaces: msgspec.structs.replace(word_sql_of(workspaces), denied=own_texts_sql),
    )


def comments_of_other_workspaces_read(patch: pytest.MonkeyPatch) -> None:
    everywhere = word_sql._COMMENTED_SQL.partition(" and comment.workspace_id")[0]  # noqa: SLF001 - as above
    patch.setattr(word_sql, "_COMMENTED_SQL", everywhere)


def values_formatted_into_the_sql(patch: pytest.MonkeyPatch) -> None:
    def pasted(piece: tuple[str, Any], *_: object) -> tuple[str, Any]:
        sql, values = piece
        return (sql.replace("{0}", "'{}'").format(*values), ()) if "column" in sql else piece

    _patch_result(patch, field_sql, "_place_sql", pasted)


DEFECTS: list[tuple[Callable[[pytest.MonkeyPatch], None], Check]] = [
    (negation_applied_to_the_first_half, every_filter_finds_what_it_says),
    (alternatives_without_parentheses, every_filter_finds_what_it_says),
    (due_days_compared_as_instants, days_are_those_of_the_readers_zone),
    (labels_compared_with_case, names_match_in_any_case_and_not_by_prefix),
    (keys_matched_by_prefix, names_match_in_any_case_and_not_by_prefix),
    (phrases_matched_in_any_order, words_match_in_all_their_forms),
    (days_in_another_time_zone, days_are_those_of_the_readers_zone),
    (months_of_equal_length, relative_times_are_counted_from_now),
    (last_day_excluded, a_task_is_overdue_after_its_day),
    (missing_due_dates_match_the_future, tasks_without_due_date_match_no_time),
    (words_stemmed_in_one_language, words_match_in_all_their_forms),
    (words_ranked_by_stems_alone, exact_words_rank_before_stems_and_titles_before_descriptions),
    (stop_words_match_everything, a_term_and_its_denial_never_both_find_everything),
    (titles_ranked_like_descriptions, words_in_the_title_rank_by_their_number_then_by_form),
    (levels_include_better_ones, a_task_is_of_one_level_of_relevance),
    (comments_left_out_of_denials, a_word_in_a_comment_counts_as_one_of_the_task),
    (comments_of_other_workspaces_read, every_filter_finds_what_it_says),
    (values_formatted_into_the_sql, values_are_never_part_of_the_sql),
    (today_moves_with_the_clock, filters_without_relative_time_compile_the_same_at_any_time),
]


@pytest.mark.parametrize(("plant", "check"), DEFECTS)
def test_a_planted_defect_is_noticed(
    database: SyncConnection, monkeypatch: pytest.MonkeyPatch, plant: Callable[[pytest.MonkeyPatch], None], check: Check
) -> None:
    plant(monkeypatch)
    assert_check_fails(partial(check, database))
