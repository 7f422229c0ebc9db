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
    KeyIs,
    LabelIs,
    Moment,
    Operator,
    Phrase,
    PriorityIs,
    ProjectIs,
    StatusIs,
    Term,
    TimeIs,
    Word,
)
from domain.filter.terms import Compared, Near, Time
from domain.label import meant
from domain.task import Priority
from projections.task_list import NO_DUE

_Piece: TypeAlias = tuple[str, tuple[object, ...]]
"""SQL with places for its values, `{0}` and `{1}`, and those."""

_URGENCY: dict[Operator, str] = {
    ":": "task.urgency between {0} and {0}",  # not `=`, or the primary key would do to sort by it
    "<": "task.urgency < {0}",
    "<=": "task.urgency <= {0}",
    ">": "task.urgency > {0}",
    ">=": "task.urgency >= {0}",
}
_COLUMNS: dict[Time, str] = {"due": "task.due_at", "created": "task.created_at", "updated": "task.updated_at"}
_HOUR = "floor(extract(epoch from {}::timestamptz) / 3600)::bigint"
_QUERIES: dict[type[Word | Phrase], str] = {
    Word: "websearch_to_tsquery('russian', {0})",
    Phrase: "phraseto_tsquery('russian', {0})",
}
_DAYS: dict[Near, int] = {"yesterday": -1, "today": 0, "tomorrow": 1}


class Condition(Struct, frozen=True):
    """What `tasks` have to meet, and their `words`, '' where none are asked for; these alone speak of `search`.

    `rank` orders by how well the words are met, '' where none are. It `is_wide` where the terms beside the words leave
    many tasks, as far as one can tell by looking at them. It `moves` where the same terms ask something else as time
    goes by.
    """

    tasks: str
    words: str
    parameters: dict[str, object]
    rank: str
    is_wide: bool = True
    moves: bool = False

    @property
    def sql(self) -> str:
        """All of it."""
        return f"{self.tasks} and {self.words}" if self.words else self.tasks


def condition(terms: Iterable[Term], *, me: UUID, now: datetime) -> Condition:
    """What every one of the terms asks, of whoever asks as `me`, at the moment `now`.

    Only terms that depend on the time, and no more exactly than they do, bring it into the parameters: these may
    stand in cache keys. Days are days of UTC.
    """
    terms, tasks, words, queries, parameters = list(terms), list[str](), list[str](), list[str](), dict[str, object]()
    for place, term in enumerate(terms):
        piece, values = _piece(term, me, now)
        named = dict(zip((f"f{place}", f"f{place}_end"), values, strict=False))
        marks = [f"%({name})s" for name in named]
        parameters |= named
        if isinstance(term.asked, Word | Phrase):
            words.append(piece.format(*marks))
            queries += [] if term.negated else [_QUERIES[type(term.asked)].format(*marks)]
        else:
            tasks.append(piece.format(*marks))
    is_wide = all(isinstance(term.asked, Word | Phrase | StatusIs) or _is_but_one(term) for term in terms)
    moves = any(isinstance(term.asked, TimeIs) and term.asked.when in {"now", *_DAYS} for term in terms)
    return Condition(" and ".join(tasks) or "true", " and ".join(words), parameters, _rank(queries), is_wide, moves)


def _rank(queries: list[str]) -> str:
    """What is found meets all queries anyway: they are ranked as alternatives, which takes time as the text is long.

    Ranked together, or as a phrase, every two words are compared wherever they stand: seconds for one long text. Each
    query stands here twice, since one that stands alone would be a phrase again.
    """
    return f"ts_rank(search.document, {' || '.join(queries * 2)})" if queries else ""


def _is_but_one(term: Term) -> bool:
    """Whether it lets through all but what is in one of many places, or has one of many things."""
    return term.negated and isinstance(term.asked, AssigneeIs | LabelIs | ProjectIs | ColumnIs | KeyIs)


def _piece(term: Term, me: UUID, now: datetime) -> _Piece:
    if isinstance(term.asked, Word | Phrase):
        query, denied = _QUERIES[type(term.asked)], "not " * term.negated
        # What nothing is left of, as of a stop word, is met by everything; so is its denial.
        return f"(numnode({query}) = 0 or {denied}search.document @@ {query})", (term.asked.text,)
    sql, values = _compared(term.asked, me, now)
    return f"not ({sql})" if term.negated else sql, values


def _compared(asked: Compared, me: UUID, now: datetime) -> _Piece:
    match asked:
        case StatusIs(status):
            piece: _Piece = "task.status = {0}", (status,)
        case PriorityIs(operator, priority):
            piece = _URGENCY[operator], (get_args(Priority).index(priority),)
        case AssigneeIs(user):
            piece = _held("task.assignees", {"me": me, "none": None}.get(str(user), user))
        case LabelIs(label):
            piece = _held("task.tags", label and meant(label))
        case ProjectIs(UUID() as project):
            piece = "task.project_id = {0}", (project,)
        case ProjectIs(key):
            piece = "split_part(task.key, '-', 1) = {0}", (key,)
        case ColumnIs(column):
            piece = 'task."column" = {0}', (column,)
        case KeyIs(key):
            piece = "task.key = {0}", (key,)
        case TimeIs():
            piece = _timed(asked, now)
    return piece


def _held(column: str, member: UUID | str | None) -> _Piece:
    """One of a column's members; None: it has none."""
    if member is None:
        return f"{column} = '[]'::jsonb", ()
    # An index of what is held leaves out where nothing is, and has to hear that this is not asked for.
    return f"{column} <> '[]'::jsonb and {column} @> {{0}}::jsonb", (msgspec.json.encode([member]).decode(),)


def _timed(asked: TimeIs, now: datetime) -> _Piece:
    column = _COLUMNS[asked.time]
    if asked.when == "none":
        return f"{column} = {{0}}", (NO_DUE,)
    since, until = _span(asked.operator, *_extent(asked.when, now))
    if asked.time == "due":
        until = until or NO_DUE
    bounds = [(sign, bound) for sign, bound in ((">=", since), ("<", until)) if bound]
    pieces = [f"{column} {sign} {{{place}}}" for place, (sign, _) in enumerate(bounds)]
    if asked.time == "updated":  # whose hours have the index
        pieces += [
            f"task.updated_hour {sign.rstrip('=')}= {_HOUR}".format(f"{{{at}}}") for at, (sign, _) in enumerate(bounds)
        ]
    return " and ".join(pieces), tuple(bound for _, bound in bounds)


def _span(operator: Operator, start: datetime, end: datetime) -> tuple[datetime | None, datetime | None]:
    """What stands so to the time from `start` to before `end`: from when on, and before when; None without a bound."""
    match operator:
        case ":":
            return start, end
        case "<" | "<=":
            return None, start if operator == "<" else end
        case ">" | ">=":
            return end if operator == ">" else start, None


def _extent(when: Day | Moment | Near | Literal["now"], now: datetime) -> tuple[datetime, datetime]:
    """When it begins, and when it is over."""
    match when:
        case Moment(at):
            start, length = at, timedelta.resolution
        case "now":
            start, length = now, timedelta.resolution
        case Day(day):
            start, length = datetime.combine(day, time.min, UTC), timedelta(days=1)
        case _:
            day = now.date() + timedelta(days=_DAYS[when])
            start, length = datetime.combine(day, time.min, UTC), timedelta(days=1)
    return start, start + length if start <= NO_DUE - length else NO_DUE
