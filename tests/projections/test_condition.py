"""Conditions find what their filters say: each way to go wrong is a check, and a planted defect turns it red."""

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
from projections.engine.builds import SyncConnection
from projections.filter_sql import compile_filter
from projections.task_list import NO_DUE_AT
from tests.defects import noticed
from tests.domain import filters as any_filters
from tests.examples import ADA, PROJECT
from tests.law import law
from tests.projections import naive_filter
from tests.projections.filtering import TABLES, TODAY, askings, fill, filters, found, rows
from tests.projections.naive_filter import Asking, Row

Check: TypeAlias = Callable[[SyncConnection], None]
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
ASKING = Asking(ADA.id, NOON)
ZONES = ["UTC", "Pacific/Kiritimati", "America/Los_Angeles"]
HOSTILE = ["'; drop table task; --", "%(f0)s", "%", "{0}", "\\", '"', "a' or true", "$1", "[]", '"]', "<->", "!", ":*"]


def row(number: int, **more: Any) -> Row:
    """An open task without anything."""
    plain = Row(number, "open", "none", (), (), PROJECT, "todo", f"HOME-{number}", NOON, NOON, None, "", "")
    return msgspec.structs.replace(plain, **more)


def ids(database: SyncConnection, text: str, **how: bool) -> list[int]:
    return found(database, parse(text), ASKING, **how)


@pytest.fixture(autouse=True)
def _tables(database: SyncConnection) -> None:
    database.execute(TABLES)


def every_filter_finds_what_it_says(database: SyncConnection) -> None:
    """In any time zone that a session may have."""

    @law(rows, filters, askings, st.sampled_from(ZONES), examples=200)
    def finds(rows: Sequence[Row], text: str, asking: Asking, zone: str) -> None:
        database.execute("select set_config('timezone', %s, false)", (zone,))
        fill(database, rows)
        terms = parse(text)
        for some in (terms, *((term,) for term in terms)):
            assert found(database, some, asking) == sorted(naive_filter.found(rows, some, asking)), text

    finds()


def a_task_is_late_when_its_day_is_over(database: SyncConnection) -> None:
    tomorrow = TODAY + timedelta(days=1)
    fill(database, [row(1), row(2, due=TODAY), row(3, due=tomorrow), row(4, due=NOON - timedelta(hours=1))])
    assert ids(database, "due<now") == [4]
    assert ids(database, "due<today") == []
    assert ids(database, "due<=today") == ids(database, "due:today") == ids(database, "due<tomorrow") == [2, 4]
    assert ids(database, "due>today") == ids(database, "due:tomorrow") == [3]
    assert ids(database, "due:2026-03-01 due>now") == [2]


def what_has_no_due_date_is_due_at_no_time(database: SyncConnection) -> None:
    fill(database, [row(1), row(2, due=TODAY)])
    assert ids(database, "due>=today") == ids(database, "-due:none") == ids(database, "due<=9999-12-31") == [2]
    assert ids(database, "due>today") == ids(database, "due:9999-12-31") == []
    assert ids(database, "due>9999-12-31") == ids(database, 'due>="9999-12-31T23:59:59.999999Z"') == []
    assert ids(database, "-due<today") == [1, 2]
    assert ids(database, "-due>=today") == ids(database, "due:none") == [1]


def a_name_is_one_in_any_case_and_no_other_that_begins_so(database: SyncConnection) -> None:
    fill(database, [row(1, labels=("Срочно",)), row(2, labels=("none",), key="HOMES-2"), row(3, column="Todo")])
    assert ids(database, "label:СРОЧНО") == [1]
    assert ids(database, "-label:срочн -label:none") == ids(database, "-column:Todo") == [1, 2]
    assert (ids(database, "label:none"), ids(database, 'label:"None"')) == ([3], [2])
    assert ids(database, "project:home") == ids(database, "-key:homes-2") == [1, 3]


def words_are_found_in_all_their_forms(database: SyncConnection) -> None:
    fill(database, [row(1, title="Куплены молочные бутылки"), row(2, title="Running shops", description="Книги")])
    assert ids(database, "бутылка") == ids(database, "бутылкой молочный") == ids(database, '"молочная бутылка"') == [1]
    assert ids(database, "run") == ids(database, "SHOP книга") == ids(database, '"runs shop"') == [2]
    assert ids(database, '"shop run"') == ids(database, '"бутылка молочная"') == []
    assert ids(database, "-книгами") == [1]


def what_says_nothing_changes_nothing(database: SyncConnection) -> None:
    fill(database, [row(1, title="milk"), row(2, title="the bread")])
    for text in ("the", "-the", '"и the"', '-"и the"', '""', "#", "-@", "or", "milk milk the -и", 'milk -""'):
        assert ids(database, text) == ([1] if "milk" in text else [1, 2]), text


def what_says_more_about_it_comes_first(database: SyncConnection) -> None:
    """In its title rather than its description; more often; in both languages; whatever is not asked for."""
    titles = {1: "Bread", 2: "Buy milk", 3: "Хлеб", 4: "Купить молоко"}
    also = {1: "with milk", 3: "и молоко", 4: "Молоко, и ещё раз молоко"}
    fill(database, [row(each, title=title, description=also.get(each, "")) for each, title in titles.items()])
    assert ids(database, "milk", by_rank=True) == [2, 1]
    assert ids(database, "молока", by_rank=True) == ids(database, '"молоко"', by_rank=True) == [4, 3]
    assert ids(database, "status:open milk -хлеб the", by_rank=True) == [2, 1]
    for text in ("", "status:open", "-milk"):
        assert not compile_filter(parse(text), me=ADA.id, now=NOON).rank_sql, text


def ranking_takes_no_longer_than_finding(database: SyncConnection) -> None:
    """The most that may be asked, of texts of the greatest length that have all of it as often as they can."""
    pairs = [first + second for first in "bcdfghjklm" for second in "nprstvwxz0"]
    fill(database, [row(each, title="Long", description=" ".join(pairs * 125)) for each in range(1, 31)])
    database.execute("set statement_timeout = '3s'")
    for text in (" ".join(pairs), quote(" ".join(pairs)), quote(" ".join(pairs)) + " the"):
        try:
            assert len(ids(database, text, by_rank=True)) == 30
        except psycopg.errors.QueryCanceled as error:
            raise AssertionError(text) from error


def what_is_written_is_never_part_of_the_statement(database: SyncConnection) -> None:
    fill(database, [row(1, title="milk")])
    for field in ("", "label:", "column:"):
        plain = compile_filter(parse(f'{field}"a" -{field}"b"'), me=ADA.id, now=NOON).sql
        for text in HOSTILE:
            terms = parse(f"{field}{quote(text)} -{field}{quote(text)}")
            assert compile_filter(terms, me=ADA.id, now=NOON).sql == plain
            found(database, terms, ASKING)


def any_filter_can_be_asked(database: SyncConnection) -> None:
    @law(any_filters.filters, examples=150)
    def asks(terms: list[Term]) -> None:
        made = compile_filter(terms, me=ADA.id, now=NOON)
        try:
            found(database, terms, ASKING, by_rank=bool(made.rank_sql))
        except psycopg.Error as error:
            raise AssertionError(made) from error

    asks()


def what_does_not_depend_on_the_time_is_asked_the_same_at_any(database: SyncConnection) -> None:
    def asked(text: str, now: datetime) -> object:
        made = compile_filter(parse(text), me=ADA.id, now=now)
        return made.sql, msgspec.json.encode(made.parameters)

    for text in ("status:open milk", "due:today", "created>yesterday -due<=tomorrow", "due:none", "due<2026-12-01"):
        assert asked(text, NOON) == asked(text, NOON + timedelta(hours=11)), text
    assert asked("due:today", NOON) != asked("due:today", NOON + timedelta(days=1))
    assert asked("due<now", NOON) != asked("due<now", NOON + timedelta.resolution)


CHECKS: list[Check] = [
    every_filter_finds_what_it_says,
    a_task_is_late_when_its_day_is_over,
    what_has_no_due_date_is_due_at_no_time,
    a_name_is_one_in_any_case_and_no_other_that_begins_so,
    words_are_found_in_all_their_forms,
    what_says_nothing_changes_nothing,
    what_says_more_about_it_comes_first,
    ranking_takes_no_longer_than_finding,
    what_is_written_is_never_part_of_the_statement,
    any_filter_can_be_asked,
    what_does_not_depend_on_the_time_is_asked_the_same_at_any,
]


@pytest.mark.parametrize("check", CHECKS)
def test_a_filter_finds_what_it_says(database: SyncConnection, check: Check) -> None:
    check(database)


def test_only_words_need_the_table_of_texts() -> None:
    for text, words in (("status:open", False), ("", False), ("milk", True), ('-"milk"', True)):
        assert bool(compile_filter(parse(text), me=ADA.id, now=NOON).text_sql) is words, text


def test_without_terms_everything_is_found() -> None:
    assert compile_filter((), me=ADA.id, now=NOON).sql == "true"


def _changed(patch: pytest.MonkeyPatch, name: str, change: Callable[..., Any]) -> None:
    """Let what a function of the module returns be changed before anybody sees it."""
    function = getattr(conditions, name)
    patch.setattr(conditions, name, lambda *given: change(function(*given), *given))


def a_negation_of_the_first_half(patch: pytest.MonkeyPatch) -> None:
    def bare(piece: tuple[str, Any], *_: object) -> tuple[str, Any]:
        sql, values = piece
        return sql.replace("not (", "not ").removesuffix(")") if sql.startswith("not (") else sql, values

    _changed(patch, "_term_sql", bare)


def a_last_day_that_does_not_count(patch: pytest.MonkeyPatch) -> None:
    span = conditions._time_bounds  # noqa: SLF001 - a defect is planted where it would be made
    patch.setattr(
        conditions, "_time_bounds", lambda operator, *extent: span("<" if operator == "<=" else operator, *extent)
    )


def a_future_that_what_is_never_due_is_due_in(patch: pytest.MonkeyPatch) -> None:
    def open_ended(piece: tuple[str, Any], *_: object) -> tuple[str, Any]:
        sql, values = piece
        never = values[-1:] == (NO_DUE_AT,) and " and " in sql
        return (sql.split(" and ")[0], values[:1]) if never else piece

    _changed(patch, "_time_sql", open_ended)


def days_of_somewhere_else(patch: pytest.MonkeyPatch) -> None:
    def shifted(extent: tuple[datetime, datetime], *_: object) -> tuple[datetime, datetime]:
        start, end = extent
        whole = end - start == timedelta(days=1)
        return (start + timedelta(hours=3), end + timedelta(hours=3)) if whole else extent

    _changed(patch, "_time_range", shifted)


def a_today_that_passes(patch: pytest.MonkeyPatch) -> None:
    def moving(extent: tuple[datetime, datetime], when: object, now: datetime) -> tuple[datetime, datetime]:
        return (extent[0], now + timedelta(days=1)) if when == "today" else extent

    _changed(patch, "_time_range", moving)


def labels_that_are_told_apart_by_their_case(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(conditions, "normalize_label", lambda label: label)


def keys_that_begin_alike(patch: pytest.MonkeyPatch) -> None:
    def alike(piece: tuple[str, Any], *_: object) -> tuple[str, Any]:
        return piece[0].replace("split_part(task.key, '-', 1) = {0}", "starts_with(task.key, {0})"), piece[1]

    _changed(patch, "_comparison_sql", alike)


def stop_words_that_nothing_meets(patch: pytest.MonkeyPatch) -> None:
    def strict(piece: tuple[str, Any], *_: object) -> tuple[str, Any]:
        return piece[0].replace(") = 0 or", ") = -1 or"), piece[1]

    _changed(patch, "_term_sql", strict)


def phrases_in_any_order(patch: pytest.MonkeyPatch) -> None:
    patch.setitem(conditions._TSQUERY_SQL, Phrase, "plainto_tsquery('russian', {0})")  # noqa: SLF001 - as above


def words_of_one_language(patch: pytest.MonkeyPatch) -> None:
    patch.setitem(conditions._TSQUERY_SQL, Word, "websearch_to_tsquery('english', {0})")  # noqa: SLF001 - as above


def queries_that_are_ranked_together(patch: pytest.MonkeyPatch) -> None:
    _changed(patch, "_rank_sql", lambda rank, *_: rank.replace("||", "&&"))


def a_phrase_that_is_ranked_alone(patch: pytest.MonkeyPatch) -> None:
    _changed(patch, "_rank_sql", lambda _, queries: f"ts_rank(search.document, {' || '.join(queries)})")


def a_value_in_the_statement(patch: pytest.MonkeyPatch) -> None:
    def pasted(piece: tuple[str, Any], *_: object) -> tuple[str, Any]:
        sql, values = piece
        return (sql.replace("{0}", "'{}'").format(*values), ()) if "column" in sql else piece

    _changed(patch, "_comparison_sql", pasted)


DEFECTS: list[tuple[Callable[[pytest.MonkeyPatch], None], Check]] = [
    (a_negation_of_the_first_half, every_filter_finds_what_it_says),
    (labels_that_are_told_apart_by_their_case, a_name_is_one_in_any_case_and_no_other_that_begins_so),
    (keys_that_begin_alike, a_name_is_one_in_any_case_and_no_other_that_begins_so),
    (phrases_in_any_order, words_are_found_in_all_their_forms),
    (days_of_somewhere_else, every_filter_finds_what_it_says),
    (a_last_day_that_does_not_count, a_task_is_late_when_its_day_is_over),
    (a_future_that_what_is_never_due_is_due_in, what_has_no_due_date_is_due_at_no_time),
    (words_of_one_language, words_are_found_in_all_their_forms),
    (stop_words_that_nothing_meets, what_says_nothing_changes_nothing),
    (queries_that_are_ranked_together, ranking_takes_no_longer_than_finding),
    (a_phrase_that_is_ranked_alone, ranking_takes_no_longer_than_finding),
    (a_value_in_the_statement, what_is_written_is_never_part_of_the_statement),
    (a_today_that_passes, what_does_not_depend_on_the_time_is_asked_the_same_at_any),
]


@pytest.mark.parametrize(("plant", "check"), DEFECTS)
def test_it_is_noticed(
    database: SyncConnection, monkeypatch: pytest.MonkeyPatch, plant: Callable[[pytest.MonkeyPatch], None], check: Check
) -> None:
    plant(monkeypatch)
    noticed(partial(check, database))
