"""A table of tasks to filter: strategies for rows and filters, and the ids that PostgreSQL finds."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, get_args
from zoneinfo import ZoneInfo

import msgspec
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from psycopg.sql import SQL

from domain.custom_field import FieldOption, FieldType, FieldValue
from domain.filter import Term
from domain.label import normalize_label
from domain.task import Priority, TaskStatus
from domain.watch import Watchers
from projections.custom_field_sql import fields_by_name
from projections.engine.connection import SyncConnection
from projections.field_sql import FilterContext
from projections.filter_sql import FilterSql, compile_filter
from projections.search_vector import description_vector, title_vector
from projections.task_list import field_keys
from tests.examples import (
    ADA,
    BOB,
    CAT,
    CUSTOM_FIELDS,
    LARGE,
    OTHER_PROJECT,
    OTHER_TASK,
    PROJECT,
    SMALL,
    TASK,
    custom_field,
    fixed_uuid7,
)
from tests.projections.naive_filter import FilterableTask

_TABLES = {"task_search": "search", "comment_list": "comment"}
CREATE_TABLES = """
create temporary table task (
    id int primary key, status text not null, priority text not null, urgency int not null, assignees jsonb not null,
    tags jsonb not null, project_id uuid not null, "column" text not null, key text not null, created_by uuid not null,
    description text not null, due text, start text, estimate int, spent int not null, parent_id uuid,
    blocked_by jsonb not null, archived bool not null, created_at timestamptz not null, updated_at timestamptz not null,
    due_at timestamptz not null, start_at timestamptz not null,
    fields jsonb not null, field_keys jsonb, watchers jsonb not null,
    updated_hour bigint generated always as (floor(extract(epoch from updated_at at time zone 'UTC') / 3600)) stored,
    title text, labels jsonb, colour text, checklist jsonb, recurrence jsonb, comments int, attachments int,
    trashed bool, valid_from bigint, valid_from_at timestamptz, valid_by uuid, valid_to bigint, valid_to_at timestamptz
);
create temporary table search (
    id int primary key, title_words tsvector not null, description_words tsvector not null,
    valid_from_at timestamptz, valid_to_at timestamptz
);
create temporary table comment (
    task_id int not null, workspace_id int not null, words tsvector not null,
    valid_from_at timestamptz, valid_to_at timestamptz
)
"""
"""Filters about the past run on these tables too, which have none."""
WORKSPACE_ID, OTHER_WORKSPACE_ID = 1, 2
"""Of the comments: those of other workspaces are not read."""
TODAY = date(2026, 3, 1)
_DAYS = [TODAY + timedelta(days=days) for days in (-2, -1, 0, 1, 2)]
_MOMENTS = [datetime.combine(day, at, UTC) for day in _DAYS for at in (time.min, time(12, 30), time.max)]
_RELATIVE_DAYS = [
    "yesterday",
    "today",
    "tomorrow",
    "today+1d",
    "-1d",
    "tomorrow-1w",
    "start-of-week",
    "start-of-month+1d",
    "end-of-year-1w",
]
_ZONES = ["Pacific/Kiritimati", "America/Los_Angeles", "Asia/Kolkata"]
_WORDS = ["milk", "bread", "Хлеб", "дом", "the", "и"]

FIELDS = fields_by_name(
    [
        *CUSTOM_FIELDS,
        custom_field(31, "Points", "text"),
        custom_field(32, "size", "choices", FieldOption(fixed_uuid7(131), "LARGE")),
    ]
)
"""The custom fields of two projects, some of which have the same name."""
_FIELDS = [field for fields in FIELDS.values() for field in fields]
_OPTION_IDS = [str(SMALL.id), str(LARGE.id), str(fixed_uuid7(131)), str(fixed_uuid7(132))]
"""The last is one that no field has any longer."""

_days, _moments = st.sampled_from(_DAYS), st.sampled_from(_MOMENTS)
_texts = st.lists(st.sampled_from(_WORDS), max_size=4).map(" ".join)
_users = st.lists(st.sampled_from([ADA.id, BOB.id, CAT.id]), max_size=2, unique=True).map(tuple)
_operators = st.sampled_from([":", "<", "<=", ">", ">="])
_options = st.sampled_from(_OPTION_IDS)
_FIELD_VALUES: dict[FieldType, SearchStrategy[FieldValue]] = {
    "text": st.sampled_from(["Acme", "3", "none", "2026-03-01"]),
    "number": st.sampled_from([0, 3, -2, 0.1, 12.5, 2**53 - 1]),
    "date": _days.map(str),
    "choice": _options,
    "choices": st.lists(_options, min_size=1, max_size=2, unique=True).map(tuple),
    "person": st.sampled_from([str(ADA.id), str(BOB.id)]),
    "checkbox": st.booleans(),
    "url": st.sampled_from(["https://example.org/A", "http://example.org"]),
}
_field_values: SearchStrategy[Mapping[str, FieldValue]] = st.fixed_dictionaries(
    {}, optional={field.key: _FIELD_VALUES[field.type] for field in _FIELDS}
)
rows: SearchStrategy[Sequence[FilterableTask]] = st.lists(
    st.builds(
        FilterableTask,
        id=st.integers(1, 1000),
        status=st.sampled_from(get_args(TaskStatus)),
        priority=st.sampled_from(get_args(Priority)),
        assignees=st.lists(st.sampled_from([ADA.id, BOB.id]), max_size=2, unique=True).map(tuple),
        labels=st.lists(st.sampled_from(["Shop", "срочно", "none"]), max_size=2, unique=True).map(tuple),
        project_id=st.sampled_from([PROJECT, OTHER_PROJECT]),
        column=st.sampled_from(["todo", "In progress"]),
        created_by=st.sampled_from([ADA.id, BOB.id]),
        key=st.sampled_from(["HOME-1", "HOME-12", "HOMES-1"]),
        created=_moments,
        updated=_moments,
        due=st.none() | _days | _moments,
        start=st.none() | _days | _moments,
        estimate=st.none() | st.sampled_from([0, 60, 90]),
        spent=st.sampled_from([0, 60, 90]),
        watchers=st.builds(Watchers, _users, _users),
        parent_id=st.none() | st.sampled_from([TASK, OTHER_TASK]),
        blocked_by=st.sampled_from([(), (OTHER_TASK,)]),
        archived=st.booleans(),
        fields=st.just({}) | _field_values,
        title=_texts,
        description=_texts,
        comments=st.lists(_texts, max_size=2).map(tuple),
    ),
    min_size=2,
    max_size=8,
    unique_by=lambda row: row.id,
)
contexts: SearchStrategy[FilterContext] = st.builds(
    FilterContext,
    st.sampled_from([ADA.id, CAT.id]),
    _moments,
    st.sampled_from(["UTC", *_ZONES]).map(ZoneInfo),
    st.just({"Bob": (BOB.id, CAT.id), "Zoe": ()}),
    st.just(FIELDS),
)
_field_terms = st.one_of(
    st.builds("field.{}{}{}".format, st.sampled_from(["Points", "POINTS"]), _operators, st.sampled_from(["3", "0.10"])),
    st.builds("field.Points>{}".format, st.sampled_from(["-2", "-2.5", "9007199254740990", "-0"])),
    st.builds("field.Delivery{}{}".format, _operators, st.sampled_from(["today", "today+1d", "2026-03-01"])),
    st.sampled_from(["field.Customer:acme", 'field.Customer:"none"', "field.Customer:none", 'field."Points":ACME']),
    st.sampled_from(["field.Size:large", 'field."size":Small', f"field.Size:{LARGE.id}", "field.sizes:LARGE"]),
    st.sampled_from(["field.Reviewer:me", f"field.Reviewer:{BOB.id}", "field.Reviewer:Bob", "field.Reviewer:Zoe"]),
    st.sampled_from(["field.Paid:true", "field.Paid:no", 'field.Site:"HTTPS://example.org/a"', "field.Nowhere:x"]),
    st.builds(
        "{}:field.{}".format, st.sampled_from(["has", "no"]), st.sampled_from(["Points", "size", "Sizes", "Nowhere"])
    ),
)

_location_terms = [
    "project:home",
    "project:HO",
    f"project:{OTHER_PROJECT}",
    "column:todo",
    'column:"In progress"',
    "column:Todo",
]
_time_values = st.one_of(
    _days.map(str),
    _moments.map(lambda at: f'"{at.isoformat()}"'),
    st.sampled_from(["0001-01-01", "9999-12-31", '"9999-12-31T23:59:59.999999Z"']),
)
_terms = st.one_of(
    st.sampled_from(["status:open", "status:done"]),
    st.sampled_from(["created_by:me", f"created_by:{BOB.id}"]),
    st.sampled_from(["assignee:me", "assignee:none", f"assignee:{BOB.id}"]),
    st.sampled_from(["label:SHOP", "label:none", 'label:"none"', "label:Срочно", "label:sho"]),
    st.sampled_from(_location_terms),
    st.sampled_from(["key:home-1", "key:HOMES-1", "key:HOME-2", "due:none"]),
    st.builds("priority{}{}".format, _operators, st.sampled_from(get_args(Priority))),
    st.builds("{}{}{}".format, st.sampled_from(["due", "start", "created", "updated"]), _operators, _time_values),
    st.builds(
        "{}{}{}".format, st.sampled_from(["due", "start", "created"]), _operators, st.sampled_from(_RELATIVE_DAYS)
    ),
    st.builds(
        "{}{}{}".format, st.sampled_from(["estimate", "spent"]), _operators, st.sampled_from(["60", "1.5h", "0m"])
    ),
    st.sampled_from(["start<=now", "start:none", "has:start", "no:estimate", "estimate:none"]),
    st.sampled_from(["has:spent", "no:spent", "spent:none"]),
    st.sampled_from(["has:parent", "no:parent", f"parent:{TASK}"]),
    st.sampled_from(["due<now", "due<=now", "due>now", "due>=now", "due>now-3h", "created<now-1w"]),
    st.sampled_from(["has:due", "no:label", "has:assignee", "no:priority", "has:description", "is:overdue", "is:open"]),
    st.sampled_from(["is:unassigned", "is:blocked", "is:watching", "is:archived", "mil*", "хле*", "t*"]),
    st.sampled_from(["absent", *_WORDS]),
    _texts.map('"{}"'.format),
)


def _filters_of(terms: SearchStrategy[str], most: int) -> SearchStrategy[str]:
    """Filters with these terms, some of them in groups."""
    groups = st.recursive(
        st.builds("{}{}".format, st.sampled_from(["", "-"]), terms),
        lambda inner: st.builds(
            "{}({} {} {})".format, st.sampled_from(["", "-"]), inner, st.sampled_from(["or", "OR", ""]), inner
        ),
        max_leaves=4,
    )
    return st.lists(groups, min_size=1, max_size=most).map(" ".join)


filters: SearchStrategy[str] = _filters_of(_terms, 4)
custom_field_filters: SearchStrategy[str] = _filters_of(_field_terms, 2)


def insert_rows(database: SyncConnection, rows: Sequence[FilterableTask]) -> None:
    """Replace all rows by these."""
    database.execute("delete from task; delete from search; delete from comment")
    with database.cursor() as cursor:
        for columns in map(_columns, rows):
            names, values = ", ".join(f'"{name}"' for name in columns), ", ".join(["%s"] * len(columns))
            cursor.execute(f"insert into task ({names}) values ({values})", list(columns.values()))  # noqa: S608 - as below
        texts = [
            (row.id, title_vector(row.title).to_text(), description_vector(row.description).to_text()) for row in rows
        ]
        cursor.executemany("insert into search (id, title_words, description_words) values (%s, %s, %s)", texts)
        comments = [
            (row.id, workspace, description_vector(text).to_text())
            for row in rows
            for workspace, text in (
                *((WORKSPACE_ID, text) for text in row.comments),
                (OTHER_WORKSPACE_ID, " ".join(_WORDS)),
            )
        ]
        cursor.executemany("insert into comment (task_id, workspace_id, words) values (%s, %s, %s)", comments)


def select_ids(
    database: SyncConnection, terms: Iterable[Term], context: FilterContext, *, by_rank: bool = False
) -> list[int]:
    """The ids of the rows that match the condition of the terms."""
    found = compile_for_tables(terms, context)
    joined = " join search using (id)" if found.text_sql else ""
    level = _level_sql(found) if by_rank else "0"
    sql = f"select task.id, {level} from task{joined} where {found.sql} order by 2, task.id{' desc' if by_rank else ''}"  # noqa: S608 - this is what is tested
    rows = database.execute(SQL(sql), found.parameters).fetchall()
    assert all(level is not None for _, level in rows), "a row is of no level, or of several"
    return [number for number, _ in rows]


def compile_for_tables(terms: Iterable[Term], context: FilterContext, **how: bool) -> FilterSql:
    """The condition of the terms on these tables."""
    found = compile_filter(terms, context, workspaces_sql=f"array[{WORKSPACE_ID}]", **how)
    names = {"task_list_versions": "task"}
    names |= {f"{name}{kind}": table for name, table in _TABLES.items() for kind in ("", "_versions")}
    return msgspec.structs.replace(
        found,
        task_sql=found.task_sql.format(**names),
        text_sql=found.text_sql.format(**names),
        is_similar_sql=found.is_similar_sql.format(**names),
        level_sqls=tuple(sql.format(**names) for sql in found.level_sqls),
    )


def _level_sql(condition: FilterSql) -> str:
    """The number of the level of relevance that a row is of, null unless it is of exactly one."""
    each = ", ".join(f"case when {sql} then {number} end" for number, sql in enumerate(condition.level_sqls))
    return f"(select case when count(level) = 1 then sum(level) end from unnest(array[{each}]) level)"  # noqa: S608 - as above


def _columns(row: FilterableTask) -> dict[str, Any]:
    """The columns of the table, by name."""
    copied = [
        "id",
        "status",
        "priority",
        "project_id",
        "column",
        "key",
        "created_by",
        "description",
        "estimate",
        "spent",
        "parent_id",
        "archived",
    ]
    return {name: getattr(row, name) for name in copied} | {
        "urgency": get_args(Priority).index(row.priority),
        "blocked_by": msgspec.json.encode(row.blocked_by).decode(),
        "watchers": msgspec.json.encode(row.watchers).decode(),
        "assignees": msgspec.json.encode(row.assignees).decode(),
        "tags": msgspec.json.encode([normalize_label(label) for label in row.labels]).decode(),
        "created_at": row.created,
        "updated_at": row.updated,
        "due": str(row.due) if row.due else None,
        "due_at": _instant(row.due, time.max),
        "start": str(row.start) if row.start else None,
        "start_at": _instant(row.start, time.min),
        "fields": msgspec.json.encode(row.fields).decode(),
        "field_keys": msgspec.json.encode(field_keys(row.fields)).decode() if row.fields else None,
    }


def _instant(when: date | datetime | None, time_of_day: time) -> datetime:
    when = when or datetime.max.replace(tzinfo=UTC)
    return when if isinstance(when, datetime) else datetime.combine(when, time_of_day, UTC)
