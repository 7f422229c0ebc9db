"""Filters about the past find what a naive interpreter finds over the raw events; planted defects are noticed."""

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from msgspec.structs import replace

from commands.handling.command_on import CommandOn
from commands.task import CompleteTask, EditTask, RenameTask
from commands.trash import RestoreTask, TrashTask
from domain.errors import Refusal
from domain.filter import Is, parse
from projections import filter_compiler, past_sql, task_page
from projections.custom_field_sql import fields_by_name
from projections.engine import past
from projections.engine.connection import SyncConnection
from projections.field_sql import FilterContext
from projections.past_sql import Period
from projections.task_page import TaskPageOptions
from projections.task_page_sql import project_scope
from tests.examples import (
    ADA,
    BOB,
    CUSTOM_FIELDS,
    FIELDS_SET,
    OTHER_TASK,
    PROJECT,
    TASK,
    member,
    project,
    task,
    workspace,
)
from tests.given import EventHistory
from tests.law import law
from tests.planted_defects import assert_check_fails
from tests.projections import naive_past, oracle
from tests.projections.answers import answer_body
from tests.projections.engine.test_advance import reset_database, with_version
from tests.strategies import task_walks

pytestmark = pytest.mark.slow
Check: TypeAlias = Callable[[SyncConnection, SyncConnection], Callable[[], None]]

BEGAN = datetime(2026, 11, 28, 1, 30, tzinfo=UTC)
"""Two days before the commands, and three before the tasks of the examples are due."""
STEP = timedelta(hours=5)
_times = st.sampled_from(
    [
        *("2026-11-29", "2026-11-30", "2026-12-01", "2026-12-02", "today", "yesterday", "-2d", "-1d", "now-9h"),
        *('"2026-11-30T03:30:00Z"', '"2026-12-01T10:00:00Z"', '"2026-11-29T23:31:00Z"'),
    ]
)
_comparisons = st.sampled_from(
    [
        *(
            "status:open",
            "status:done",
            "is:overdue",
            "is:archived",
            "column:todo",
            'column:"In Progress"',
            "column:done",
        ),
        *("label:shop", "label:none", "assignee:me", f"assignee:{BOB.id}", "assignee:none", "priority>=high"),
        *("due<=2026-12-01", "due:none", "has:due", "no:description", "has:estimate", "estimate>30", "start:none"),
        *("created<=today", "updated>=yesterday", "key:HOME-1", "project:HOME", "field.Size:large", "has:field.Points"),
        *("created_by:me", "has:label", "is:watching", "is:unassigned", "spent:0", "has:parent"),
    ]
)
_changed = st.sampled_from(
    [
        *("title", "description", "status", "priority", "assignee", "label", "column", "due", "start", "estimate"),
        *("colour", "recurrence", "archived", "project", "parent", "spent", "checklist", "comments", "attachments"),
        *("field.Size", "field.Points", "field.Nowhere"),
    ]
).map("changed:{}".format)
_past_terms = st.one_of(
    _comparisons.map("was({})".format),
    _changed,
    st.builds("reopened{}{}".format, st.sampled_from([":", ">=", "<", ">"]), st.integers(0, 2)),
)
_ages = st.builds(
    "stale{}{}".format, st.sampled_from(["<", "<=", ">", ">="]), st.sampled_from(["1d", "30h", "0h", "1w", "3d"])
)
_terms = st.one_of(_past_terms, _past_terms, _comparisons, _ages, st.sampled_from(["milk", "bread"]))


@st.composite
def _lists(draw: Callable[[SearchStrategy[Any]], Any], terms: SearchStrategy[str]) -> str:
    """Terms with qualifiers, some about another time."""
    found = draw(st.lists(st.builds("{}{}".format, st.sampled_from(["", "", "-"]), terms), min_size=1, max_size=3))
    text = " ".join(found)
    if "changed:" in text or "reopened" in text:
        found += draw(st.sampled_from([[], ["by:me"], [f"by:{BOB.id}"]]))
    if "changed:" in text or "reopened" in text or "was(" in text:
        found += [f"since:{draw(_times)}"] * draw(st.booleans())
        found += [f"until:{draw(_times)}"] * draw(st.booleans())
    if "at:" not in text:
        found += [f"at:{draw(_times)}"] * draw(st.booleans())
    return " ".join(found)


_groups = st.builds("({} or {})".format, _lists(_terms), _lists(_terms))
past_filters = _lists(_terms) | _lists(_groups | _terms)
CONTEXT = FilterContext(ADA.id, BEGAN, UTC, {}, fields_by_name(CUSTOM_FIELDS))


def append_walk(database: SyncConnection, owner: SyncConnection, walk: list[CommandOn], seed: int) -> None:
    """What two people do, an event every few hours."""
    draw = random.Random(seed)
    first = [*workspace(), *member(BOB), *project(), (PROJECT, FIELDS_SET), *task()]
    first += task(task_id=OTHER_TASK, number=2, title="Bread")
    oracle.append_facts(database, first)
    history = EventHistory(first)
    for command_on in walk:
        try:
            facts = history.decide(with_version(command_on, history.version(command_on.target))).new_events
        except Refusal:
            continue
        history.append(facts)
        oracle.append_facts(database, facts, actor=draw.choice([ADA, BOB]))
    sql = "update log.events set at = %s + notification_id * %s"
    owner.execute(sql, (BEGAN, STEP))


def found_ids(database: SyncConnection, text: str, context: FilterContext) -> set[UUID]:
    question = task_page.page(project_scope(PROJECT), TaskPageOptions(filter=text, limit=200), context)
    return {UUID(item["id"]) for item in answer_body(database, question)["items"]}


def past_filter_law(database: SyncConnection, owner: SyncConnection) -> Callable[[], None]:
    @law(
        task_walks,
        st.integers(0, 99),
        st.lists(past_filters, min_size=12, max_size=12),
        st.sampled_from(["UTC", "Pacific/Kiritimati", "America/Los_Angeles"]),
        examples=25,
    )
    def a_filter_finds_what_was_so(walk: list[CommandOn], seed: int, texts: list[str], zone: str) -> None:
        reset_database(owner, database)
        append_walk(database, owner, walk, seed)
        oracle.catch_up(database, 5)
        events = oracle.all_events(database)
        tasks = naive_past.versions_of(events)
        now = max(events[-1].at, datetime(2026, 12, 2, 10, tzinfo=UTC)) + timedelta(minutes=90)
        context = FilterContext(ADA.id, now, ZoneInfo(zone), {}, CONTEXT.fields)
        for text in texts:
            expected = naive_past.matching_ids(tasks, parse(text), context)
            assert found_ids(database, text, context) == expected, text

    return a_filter_finds_what_was_so


def examples_of(database: SyncConnection, owner: SyncConnection) -> Callable[[], None]:
    """One task is done a day after it was due; another is done in time, and in the trash for some hours."""
    due = EditTask(due="2026-12-01")
    renamed = [RenameTask(title=title) for title in ("Buy bread", "Buy milk", "Buy bread", "Buy milk", "Buy oats")]
    of_other = [CommandOn(OTHER_TASK, command) for command in (due, CompleteTask(), TrashTask(), RestoreTask())]
    of_first = [CommandOn(TASK, command) for command in (*renamed, CompleteTask())]
    found = {
        "was(is:overdue)": {TASK},
        "was(is:overdue) until:2026-12-01": set(),
        'status:done at:"2026-11-30T20:00:00Z"': {OTHER_TASK},
        'status:done at:"2026-12-01T00:00:00Z"': set(),
        'at:"2026-12-01T00:00:00Z"': {TASK},
        "at:2026-12-01": {TASK, OTHER_TASK},
        "is:overdue at:2026-12-01": set(),
        'is:overdue at:"2026-12-02T06:00:00Z"': {TASK},
        "changed:title since:2026-12-02": {TASK},
        "changed:status until:2026-11-30": {OTHER_TASK},
    }

    def each_finds_what_was_so() -> None:
        reset_database(owner, database)
        append_walk(database, owner, [CommandOn(TASK, due), *of_other, *of_first], 0)
        oracle.catch_up(database, 5)
        context = replace(CONTEXT, now=datetime(2026, 12, 2, 12, tzinfo=UTC))
        for text, expected in found.items():
            assert found_ids(database, text, context) == expected, text

    return each_finds_what_was_so


@pytest.mark.parametrize("check", [past_filter_law, examples_of])
def test_a_filter_finds_what_was_so(database: SyncConnection, owner: SyncConnection, check: Check) -> None:
    check(database, owner)()


def terms_of_any_time(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Period, "qualified", lambda period, *_: period)


def changes_by_anyone(patch: pytest.MonkeyPatch) -> None:
    in_period = past_sql._in_period  # noqa: SLF001 - the defect belongs in this function
    patch.setattr(
        past_sql, "_in_period", lambda sql, values, period: in_period(sql, values, replace(period, users=None))
    )


def authors_of_the_first_version(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(past, "since", lambda event: (event.position, event.at, ADA.id))


def only_what_is_so_now(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(past_sql, "_VERSIONS_SQL", past_sql._VERSIONS_SQL.replace("<=", "="))  # noqa: SLF001 - as above


def what_came_after_the_time(patch: pytest.MonkeyPatch) -> None:
    later = past_sql._VERSIONS_SQL.partition(" and task.valid_from")[0]  # noqa: SLF001 - as above
    patch.setattr(past_sql, "_VERSIONS_SQL", later)


def overdue_by_the_present(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(
        filter_compiler,
        "overdue_sql",
        lambda _, context: filter_compiler._comparison_sql(Is("overdue"), context),  # noqa: SLF001 - as above
    )


def the_beginning_of_the_day(patch: pytest.MonkeyPatch) -> None:
    bound_of = past_sql.bound_of
    patch.setattr(
        filter_compiler, "bound_of", lambda at, context: min(bound_of(at, context), BEGAN + timedelta(hours=20))
    )


def tasks_in_the_trash_by_then(patch: pytest.MonkeyPatch) -> None:
    at_sql = past_sql.at_sql
    patch.setattr(
        filter_compiler,
        "at_sql",
        lambda *given, archived: at_sql(*given, archived=archived).replace("not task.trashed", "true"),
    )


def completions_for_reopenings(patch: pytest.MonkeyPatch) -> None:
    def swapped(sql: str, *given: Any) -> Any:
        return in_period(sql.replace("'done'", "'?'").replace("'open'", "'done'").replace("'?'", "'open'"), *given)

    in_period = past_sql._in_period  # noqa: SLF001 - as above
    patch.setattr(past_sql, "_in_period", swapped)


def the_present_of_the_reader(patch: pytest.MonkeyPatch) -> None:
    at_sql = filter_compiler.FilterCompiler._at_sql  # noqa: SLF001 - as above

    def unmoved(compiler: Any, at: Any, terms: Any, place: Any) -> str:
        with pytest.MonkeyPatch.context() as inner:
            inner.setattr(filter_compiler, "min", lambda now, _: now, raising=False)
            return str(at_sql(compiler, at, terms, place))

    patch.setattr(filter_compiler.FilterCompiler, "_at_sql", unmoved)


@pytest.mark.parametrize(
    ("plant", "check"),
    [
        (terms_of_any_time, examples_of),
        (changes_by_anyone, past_filter_law),
        (authors_of_the_first_version, past_filter_law),
        (only_what_is_so_now, past_filter_law),
        (what_came_after_the_time, past_filter_law),
        (overdue_by_the_present, examples_of),
        (the_beginning_of_the_day, examples_of),
        (tasks_in_the_trash_by_then, examples_of),
        (completions_for_reopenings, past_filter_law),
        (the_present_of_the_reader, examples_of),
    ],
)
def test_a_planted_defect_is_noticed(
    database: SyncConnection,
    owner: SyncConnection,
    monkeypatch: pytest.MonkeyPatch,
    plant: Callable[[pytest.MonkeyPatch], None],
    check: Check,
) -> None:
    plant(monkeypatch)
    assert_check_fails(check(database, owner))
