"""What a filter asks of the tables of tasks: a condition in SQL, put together of fixed pieces, and its parameters.

The pieces speak of `task`, a row of the task list, and, where words are asked for, of `search`, the row of its text,
which has to be there. A list that asks for words is read with both joined.
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
"""SQL with places for its values, `{0}` and `{1}`, and those."""

_PRIORITY_SQL: dict[Operator, str] = {
    ":": "task.urgency between {0} and {0}",  # not `=`, or the primary key would do to sort by it
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
    """What `tasks` have to meet, and their `words`, '' where none are asked for; these alone speak of `search`.

    `rank` orders by how well the words are met, '' where none are. It `is_wide` where the terms beside the words leave
    many tasks, as far as one can tell by looking at them. It `moves` where the same terms ask something else as time
    goes by.
    """

    task_sql: str
    text_sql: str
    parameters: dict[str, object]
    rank_sql: str
    has_low_selectivity: bool = True
    is_time_dependent: bool = False

    @property
    def sql(self) -> str:
        """All of it."""
        return f"{self.task_sql} and {self.text_sql}" if self.text_sql else self.task_sql


def compile_filter(terms: Iterable[Term], *, me: UUID, now: datetime) -> FilterSql:
    """What every one of the terms asks, of whoever asks as `me`, at the moment `now`.

    Only terms that depend on the time, and no more exactly than they do, bring it into the parameters: these may
    stand in cache keys. Days are days of UTC.
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
    """What is found meets all queries anyway: they are ranked as alternatives, which takes time as the text is long.

    Ranked together, or as a phrase, every two words are compared wherever they stand: seconds for one long text. Each
    query stands here twice, since one that stands alone would be a phrase again.
    """
    return f"ts_rank(search.document, {' || '.join(tsqueries * 2)})" if tsqueries else ""


def _excludes_one_value(term: Term) -> bool:
    """Whether it lets through all but what is in one of many places, or has one of many things."""
    return term.negated and isinstance(term.predicate, AssigneeIs | LabelIs | ProjectIs | ColumnIs | TaskKeyIs)


def _term_sql(term: Term, me: UUID, now: datetime) -> _SqlFragment:
    if isinstance(term.predicate, Word | Phrase):
        query, denied = _TSQUERY_SQL[type(term.predicate)], "not " * term.negated
        # What nothing is left of, as of a stop word, is met by everything; so is its denial.
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
    """One of a column's members; None: it has none."""
    if value is None:
        return f"{column} = '[]'::jsonb", ()
    # An index of what is held leaves out where nothing is, and has to hear that this is not asked for.
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
    if comparison.field == "updated":  # whose hours have the index
        pieces += [
            f"task.updated_hour {sign.rstrip('=')}= {_EPOCH_HOUR_SQL}".format(f"{{{at}}}")
            for at, (sign, _) in enumerate(bounds)
        ]
    return " and ".join(pieces), tuple(bound for _, bound in bounds)


def _time_bounds(operator: Operator, start: datetime, end: datetime) -> tuple[datetime | None, datetime | None]:
    """What stands so to the time from `start` to before `end`: from when on, and before when; None without a bound."""
    match operator:
        case ":":
            return start, end
        case "<" | "<=":
            return None, start if operator == "<" else end
        case ">" | ">=":
            return end if operator == ">" else start, None


def _time_range(when: Day | Instant | RelativeDay | Literal["now"], now: datetime) -> tuple[datetime, datetime]:
    """When it begins, and when it is over."""
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
