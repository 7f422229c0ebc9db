"""Filters by custom fields match what they describe, each by its type; each check is proven by a planted defect."""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from functools import partial
from typing import Any, TypeAlias

import psycopg
import pytest
from msgspec.structs import replace

from domain.custom_field import FieldValue
from domain.errors import FilterValue
from domain.filter import parse, quote
from projections import custom_field_sql
from projections.engine.connection import SyncConnection
from projections.field_sql import FilterContext
from projections.filter_leaves import person_names, reads_calendar
from projections.filter_sql import compile_filter
from projections.task_list import folding
from tests.examples import ADA, BOB, CUSTOMER, DELIVERY, LARGE, POINTS, PROJECT, REVIEWER, SITE, SIZE, SIZES, SMALL
from tests.law import law
from tests.planted_defects import assert_check_fails
from tests.projections import filter_table, naive_filter
from tests.projections.filter_table import CREATE_TABLES, FIELDS, insert_rows, select_ids
from tests.projections.naive_filter import FilterableTask

pytestmark = pytest.mark.slow

Check: TypeAlias = Callable[[SyncConnection], None]
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
CONTEXT = FilterContext(ADA.id, NOON, people={"Bob": (BOB.id,)}, fields=FIELDS)
HOSTILE = ["'; drop table task; --", "%(f0)s", "%", "{0}", "\\", '"', "a' or true", '"}', "[]", '{"a": 1}', "null"]


def task_row(number: int, fields: dict[str, FieldValue]) -> FilterableTask:
    plain = FilterableTask(
        number, "open", "none", (), (), PROJECT, "todo", ADA.id, f"HOME-{number}", NOON, NOON, None, "", ""
    )
    return replace(plain, fields=fields)


def matching_ids(database: SyncConnection, text: str) -> list[int]:
    return select_ids(database, parse(text), CONTEXT)


@pytest.fixture(autouse=True)
def _tables(database: SyncConnection) -> None:
    database.execute(CREATE_TABLES)


def every_filter_finds_what_it_says(database: SyncConnection) -> None:
    @law(filter_table.rows, filter_table.custom_field_filters, filter_table.contexts, examples=250)
    def finds(rows: Sequence[FilterableTask], text: str, asking: FilterContext) -> None:
        insert_rows(database, rows)
        terms = parse(text)
        for some in (terms, *((term,) for term in terms)):
            assert select_ids(database, some, asking) == sorted(naive_filter.matching_ids(rows, some, asking)), text

    finds()


def numbers_are_compared_as_numbers(database: SyncConnection) -> None:
    numbers: list[FieldValue] = [-2, 0.1, 3, 12.5, 2**53 - 1]
    insert_rows(database, [task_row(at, {POINTS.key: number}) for at, number in enumerate(numbers, 1)])
    assert matching_ids(database, "field.Points>=3") == matching_ids(database, "field.points>2.99") == [3, 4, 5]
    assert matching_ids(database, "field.Points<0.1") == [1]
    assert matching_ids(database, "field.Points:0.10") == matching_ids(database, "field.Points:00.1") == [2]
    assert matching_ids(database, "field.Points>9007199254740990") == [5]


def texts_are_equal_in_any_spelling_and_as_a_whole(database: SyncConnection) -> None:
    rows = [task_row(1, {CUSTOMER.key: "Café Zoë"}), task_row(2, {CUSTOMER.key: "Café"}), task_row(3, {})]
    insert_rows(database, [*rows, task_row(4, {SITE.key: "https://Example.org/A"})])
    assert matching_ids(database, 'field.Customer:"CAFE ZOE"') == [1]
    assert matching_ids(database, "field.customer:cafe") == [2]
    assert matching_ids(database, "-field.customer:cafe") == [1, 3, 4]
    assert matching_ids(database, 'field.Site:"https://example.org/a"') == [4]


def options_that_there_are_no_longer_do_not_count(database: SyncConnection) -> None:
    gone = "01900000-0099-7000-8000-000000000099"
    insert_rows(
        database,
        [
            task_row(1, {SIZE.key: str(LARGE.id)}),
            task_row(2, {SIZE.key: gone}),
            task_row(3, {SIZES.key: (gone,)}),
            task_row(4, {SIZES.key: (gone, str(SMALL.id))}),
        ],
    )
    assert matching_ids(database, "has:field.Size") == matching_ids(database, "field.Size:LARGE") == [1]
    assert matching_ids(database, "no:field.Size") == matching_ids(database, "field.Size:none") == [2, 3, 4]
    assert matching_ids(database, "has:field.Sizes") == matching_ids(database, "field.sizes:small") == [4]


def days_are_those_of_the_reader(database: SyncConnection) -> None:
    days = (date(2026, 2, 28), date(2026, 3, 1), date(2026, 3, 8))
    insert_rows(database, [task_row(at, {DELIVERY.key: str(day)}) for at, day in enumerate(days, 1)])
    assert matching_ids(database, "field.Delivery:today") == [2]
    assert matching_ids(database, "field.Delivery<today") == matching_ids(database, "field.Delivery<=-1d") == [1]
    assert matching_ids(database, "field.Delivery>start-of-month") == [3]
    assert matching_ids(database, "field.Delivery:today+7d") == [3]


def people_are_found_by_name_and_as_the_caller(database: SyncConnection) -> None:
    insert_rows(database, [task_row(1, {REVIEWER.key: str(ADA.id)}), task_row(2, {REVIEWER.key: str(BOB.id)})])
    assert matching_ids(database, "field.Reviewer:me") == [1]
    assert matching_ids(database, "field.Reviewer:Bob") == matching_ids(database, f"field.reviewer:{BOB.id}") == [2]


def each_field_of_the_name_counts(database: SyncConnection) -> None:
    """Those of several projects, each by its type."""
    number, text = FIELDS["points"]
    insert_rows(database, [task_row(1, {number.key: 3}), task_row(2, {text.key: "3"}), task_row(3, {text.key: "four"})])
    assert matching_ids(database, "field.Points:3") == [1, 2]
    assert matching_ids(database, "field.Points>2") == [1]
    assert matching_ids(database, "field.Points:four") == [3]
    assert matching_ids(database, "has:field.Points") == [1, 2, 3]


def values_are_never_part_of_the_sql(database: SyncConnection) -> None:
    insert_rows(database, [task_row(1, {CUSTOMER.key: "milk"})])
    plain = compile_filter(parse('field.Customer:"a" field.Site:"b"'), CONTEXT).sql
    for text in HOSTILE:
        terms = parse(f"field.Customer:{quote(text)} field.Site:{quote(text)}")
        assert compile_filter(terms, CONTEXT).sql == plain
        assert select_ids(database, terms, CONTEXT) == []
        assert matching_ids(database, f"field.{quote(text)}:x") == []
        assert matching_ids(database, f"no:field.{quote(text)}") == [1]


CHECKS: list[Check] = [
    every_filter_finds_what_it_says,
    numbers_are_compared_as_numbers,
    texts_are_equal_in_any_spelling_and_as_a_whole,
    options_that_there_are_no_longer_do_not_count,
    days_are_those_of_the_reader,
    people_are_found_by_name_and_as_the_caller,
    each_field_of_the_name_counts,
    values_are_never_part_of_the_sql,
]


@pytest.mark.parametrize("check", CHECKS)
def test_custom_field_checks_hold(database: SyncConnection, check: Check) -> None:
    check(database)


@pytest.mark.parametrize(
    ("text", "offset", "expected"),
    [
        ("field.Delivery:soon", 0, ["a date such as 2026-12-01 or today+7d"]),
        ("milk field.Size:Huge", 5, ["Small", "Large", "LARGE"]),
        ("-field.Size>Small", 0, ["Small", "Large", "LARGE"]),
        ("field.Paid:maybe", 0, ["true or false"]),
        ("(field.Delivery>now or milk)", 1, ["a date such as 2026-12-01 or today+7d"]),
    ],
)
def test_a_value_that_no_field_of_the_name_can_have_is_refused(text: str, offset: int, expected: list[str]) -> None:
    with pytest.raises(FilterValue) as refused:
        compile_filter(parse(text), CONTEXT)
    assert (refused.value.params["offset"], refused.value.params["expected"]) == (offset, expected)


def test_a_name_that_no_field_has_matches_nothing_as_an_unknown_label_does() -> None:
    assert compile_filter(parse("field.Nowhere>soon"), CONTEXT).sql == "false"


def test_users_and_days_are_looked_up_where_a_field_needs_them() -> None:
    terms = parse("field.Reviewer:Zoe field.Customer:Ann field.Reviewer:me assignee:Eve")
    assert person_names(terms, FIELDS) == {"Zoe", "Eve"}
    assert reads_calendar(parse("field.Delivery<today"))
    assert not reads_calendar(parse("field.Customer:Ann"))
    for text in ("field.Delivery<today", "field.Reviewer:Zoe"):
        assert compile_filter(parse(text), CONTEXT).is_time_dependent
    assert not compile_filter(parse("field.Customer:Zoe field.Delivery<2026-12-01"), CONTEXT).is_time_dependent


def numbers_compared_as_texts(patch: pytest.MonkeyPatch) -> None:
    def alike(field: Any, operator: Any, value: str) -> Any:
        return f"coalesce(task.field_keys ->> {{0}}::text {operator.replace(':', '=')} {{1}}, false)", (
            field.key,
            value,
        )

    patch.setattr(custom_field_sql, "_number_sql", alike)


def texts_compared_with_case(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(custom_field_sql, "fold_text", lambda text: text)


def texts_kept_with_accents(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(folding, "fold_text", str.lower)


def tasks_without_a_value_neither_match_nor_fail_to(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(custom_field_sql, "_EQUAL_SQL", "task.field_keys @> {0}::jsonb")


def fields_of_the_same_name_left_out(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(custom_field_sql, "fields_named", lambda fields, name: fields.get(name.lower(), ())[:1])


def former_options_counted(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(
        custom_field_sql,
        "_has_sql",
        lambda field: ("task.field_keys is not null and task.field_keys ? {0}::text", (field.key,)),
    )


def relative_days_taken_for_today(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(custom_field_sql, "relative_day", lambda _, today: today)


def placeholders_counted_from_the_start_again(patch: pytest.MonkeyPatch) -> None:
    def alike(conditions: Sequence[Any]) -> Any:
        sqls = [f"({sql})" for sql, _ in conditions]
        return " or ".join(sqls).join("()") if sqls else "false", tuple(one for _, own in conditions for one in own)

    patch.setattr(custom_field_sql, "_any_of", alike)


DEFECTS: list[tuple[Callable[[pytest.MonkeyPatch], None], Check]] = [
    (numbers_compared_as_texts, numbers_are_compared_as_numbers),
    (texts_compared_with_case, texts_are_equal_in_any_spelling_and_as_a_whole),
    (texts_kept_with_accents, texts_are_equal_in_any_spelling_and_as_a_whole),
    (tasks_without_a_value_neither_match_nor_fail_to, every_filter_finds_what_it_says),
    (fields_of_the_same_name_left_out, each_field_of_the_name_counts),
    (former_options_counted, options_that_there_are_no_longer_do_not_count),
    (relative_days_taken_for_today, days_are_those_of_the_reader),
    (placeholders_counted_from_the_start_again, each_field_of_the_name_counts),
]


@pytest.mark.parametrize(("plant", "check"), DEFECTS)
def test_a_planted_defect_is_noticed(
    database: SyncConnection, monkeypatch: pytest.MonkeyPatch, plant: Callable[[pytest.MonkeyPatch], None], check: Check
) -> None:
    plant(monkeypatch)

    def failing(checked: SyncConnection) -> None:
        try:
            check(checked)
        except psycopg.Error as error:
            raise AssertionError from error

    assert_check_fails(partial(failing, database))
