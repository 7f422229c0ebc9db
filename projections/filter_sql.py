"""A filter in SQL: a condition on the task tables, assembled from fixed fragments, and its parameters.

The fragments refer to `task`, a row of the task list, and, if the filter has words, to `search`, the task's row in the
task search. The query for such a filter joins both tables.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, time, timedelta
from typing import Literal, TypeAlias, get_args
from uuid import UUID

import msgspec
from msgspec import Struct

from domain.filter import (
    AssigneeIs,
    ColumnIs,
    Day,
    Instant,
    LabelIs,
    Operator,
    Phrase,
    PriorityIs,
    ProjectIs,
    StatusIs,
    TaskKeyIs,
    Term,
    TimeIs,
    Word,
)
from domain.filter.terms import FieldPredicate, RelativeDay, TimeField
from domain.label import normalize_label
from domain.task import Priority
from projections.task_list import NO_DUE_AT

_SqlFragment: TypeAlias = tuple[str, tuple[object, ...]]
"""SQL with the placeholders `{0}` and `{1}`, and their values."""

_PRIORITY_SQL: dict[Operator, str] = {
    ":": "task.urgency between {0} and {0}",  # not `=`: the planner would sort by id, by the primary key
    "<": "task.urgency < {0}",
    "<=": "task.urgency <= {0}",
    ">": "task.urgency > {0}",
    ">=": "task.urgency >= {0}",
}
_TIME_COLUMNS: dict[TimeField, str] = {"due": "task.due_at", "created": "task.created_at", "updated": "task.updated_at"}
_EPOCH_HOUR_SQL = "floor(extract(epoch from {}::timestamptz) / 3600)::bigint"
_TSQUERY_SQL: dict[type[Word | Phrase], str] = {
    Word: "websearch_to_tsquery('russian', {0})",
    Phrase: "phraseto_tsquery('russian', {0})",
}
_DAY_OFFSETS: dict[RelativeDay, int] = {"yesterday": -1, "today": 0, "tomorrow": 1}


class FilterSql(Struct, frozen=True):
    """A compiled filter: the condition on tasks, and the one on their text ('' if the filter has no words).

    Only `text_sql` and `rank_sql` refer to `search`. `rank_sql` scores how well the text matches; it is '' if no word
    is required. `has_low_selectivity` says that the terms other than words probably match many tasks, judged by the
    kinds of the terms. `is_time_dependent` says that the same terms match other tasks as time passes.
    """

    task_sql: str
    text_sql: str
    parameters: dict[str, object]
    rank_sql: str
    has_low_selectivity: bool = True
    is_time_dependent: bool = False

    @property
    def sql(self) -> str:
        """The whole condition."""
        return f"{self.task_sql} and {self.text_sql}" if self.text_sql else self.task_sql


def compile_filter(terms: Iterable[Term], *, me: UUID, now: datetime) -> FilterSql:
    """The condition that a task meets all terms, for the user `me` at the time `now`.

    The parameters may be part of cache keys, so they depend on `now` only if a term does, and are no more precise than
    the term. Days are days in UTC.
    """
    terms, tasks, words, queries, parameters = list(terms), list[str](), list[str](), list[str](), dict[str, object]()
    for place, term in enumerate(terms):
        piece, values = _term_sql(term, me, now)
        named = dict(zip((f"f{place}", f"f{place}_end"), values, strict=False))
        marks = [f"%({name})s" for name in named]
        parameters |= named
        if isinstance(term.predicate, Word | Phrase):
            words.append(piece.format(*marks))
            queries += [] if term.negated else [_TSQUERY_SQL[type(term.predicate)].format(*marks)]
        else:
            tasks.append(piece.format(*marks))
    has_low_selectivity = all(
        isinstance(term.predicate, Word | Phrase | StatusIs) or _excludes_one_value(term) for term in terms
    )
    is_time_dependent = any(
        isinstance(term.predicate, TimeIs) and term.predicate.when in {"now", *_DAY_OFFSETS} for term in terms
    )
    return FilterSql(
        " and ".join(tasks) or "true",
        " and ".join(words),
        parameters,
        _rank_sql(queries),
        has_low_selectivity,
        is_time_dependent,
    )


def _rank_sql(tsqueries: list[str]) -> str:
    """The rank by any of the queries, in time linear in the text; a text that is found matches all of them anyway.

    Joined by `and`, or as a phrase, every two words are compared at all of their positions: seconds for one long text.
    Each query is included twice, because a single phrase would be ranked as a phrase.
    """
    return f"ts_rank(search.document, {' || '.join(tsqueries * 2)})" if tsqueries else ""


def _excludes_one_value(term: Term) -> bool:
    """Whether the term excludes only the tasks of one assignee, label, project or column, or with one key."""
    return term.negated and isinstance(term.predicate, AssigneeIs | LabelIs | ProjectIs | ColumnIs | TaskKeyIs)


def _term_sql(term: Term, me: UUID, now: datetime) -> _SqlFragment:
    if isinstance(term.predicate, Word | Phrase):
        query, denied = _TSQUERY_SQL[type(term.predicate)], "not " * term.negated
        # A query without lexemes, such as a stop word, matches every task; so does its negation.
        return f"(numnode({query}) = 0 or {denied}search.document @@ {query})", (term.predicate.text,)
    sql, values = _comparison_sql(term.predicate, me, now)
    return f"not ({sql})" if term.negated else sql, values


def _comparison_sql(comparison: FieldPredicate, me: UUID, now: datetime) -> _SqlFragment:
    match comparison:
        case StatusIs(status):
            piece: _SqlFragment = "task.status = {0}", (status,)
        case PriorityIs(operator, priority):
            piece = _PRIORITY_SQL[operator], (get_args(Priority).index(priority),)
        case AssigneeIs(user):
            piece = _contains_sql("task.assignees", {"me": me, "none": None}.get(str(user), user))
        case LabelIs(label):
            piece = _contains_sql("task.tags", label and normalize_label(label))
        case ProjectIs(UUID() as project):
            piece = "task.project_id = {0}", (project,)
        case ProjectIs(key):
            piece = "split_part(task.key, '-', 1) = {0}", (key,)
        case ColumnIs(column):
            piece = 'task."column" = {0}', (column,)
        case TaskKeyIs(key):
            piece = "task.key = {0}", (key,)
        case TimeIs():
            piece = _time_sql(comparison, now)
    return piece


def _contains_sql(column: str, value: UUID | str | None) -> _SqlFragment:
    """The condition that a column contains a value; None: that it is empty."""
    if value is None:
        return f"{column} = '[]'::jsonb", ()
    # The partial index omits empty values; the planner uses it only if the condition excludes them explicitly.
    return f"{column} <> '[]'::jsonb and {column} @> {{0}}::jsonb", (msgspec.json.encode([value]).decode(),)


def _time_sql(comparison: TimeIs, now: datetime) -> _SqlFragment:
    column = _TIME_COLUMNS[comparison.field]
    if comparison.when == "none":
        return f"{column} = {{0}}", (NO_DUE_AT,)
    since, until = _time_bounds(comparison.operator, *_time_range(comparison.when, now))
    if comparison.field == "due":
        until = until or NO_DUE_AT
    bounds = [(sign, bound) for sign, bound in ((">=", since), ("<", until)) if bound]
    pieces = [f"{column} {sign} {{{place}}}" for place, (sign, _) in enumerate(bounds)]
    if comparison.field == "updated":  # the index is on the hour
        pieces += [
            f"task.updated_hour {sign.rstrip('=')}= {_EPOCH_HOUR_SQL}".format(f"{{{at}}}")
            for at, (sign, _) in enumerate(bounds)
        ]
    return " and ".join(pieces), tuple(bound for _, bound in bounds)


def _time_bounds(operator: Operator, start: datetime, end: datetime) -> tuple[datetime | None, datetime | None]:
    """The times that compare so with the range from `start` to before `end`: their own bounds; None: unbounded."""
    match operator:
        case ":":
            return start, end
        case "<" | "<=":
            return None, start if operator == "<" else end
        case ">" | ">=":
            return end if operator == ">" else start, None


def _time_range(when: Day | Instant | RelativeDay | Literal["now"], now: datetime) -> tuple[datetime, datetime]:
    """The start, and the end, which is not included."""
    match when:
        case Instant(at):
            start, length = at, timedelta.resolution
        case "now":
            start, length = now, timedelta.resolution
        case Day(day):
            start, length = datetime.combine(day, time.min, UTC), timedelta(days=1)
        case _:
            day = now.date() + timedelta(days=_DAY_OFFSETS[when])
            start, length = datetime.combine(day, time.min, UTC), timedelta(days=1)
    return start, start + length if start <= NO_DUE_AT - length else NO_DUE_AT
