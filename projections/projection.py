"""A projection: which documents an event touches, how it changes them, and the table that they stand in."""

import pkgutil
from collections.abc import Callable, Iterable
from functools import cache
from hashlib import blake2b
from importlib import import_module
from typing import Any, Generic, Literal, TypeAlias, TypeVar
from uuid import UUID

import msgspec
from msgspec import Struct

import projections
from domain.event import Event, RecordedEvent

R = TypeVar("R", bound=Struct)
DocumentKey: TypeAlias = UUID | int
Audience: TypeAlias = Literal["workspace", "workspaces", "project", "user", "one"]


class Projection(Struct, Generic[R], frozen=True):
    """One question, kept answered by a pure fold.

    `keys` names the documents that an event touches, all of them in the event's own workspace; `fold` gives a
    document after an event (None where there is none); `scopes` names what a document is shown under, for caches to
    be dropped by. The table has a column for each field of `row`, the first of them, `id`, its primary key; columns
    that it makes of these by itself, `generated`, by name, each as `add column <name>` goes on; and `indexes` as
    `create index on <table>` goes on. A fold that `takes_unknown` events never sees what they hold. Where only some
    kinds of events change anything, `only` names them, and batches pass over the rest. `golden_lines` is how many lines
    `golden.jsonl` had when the version was counted up: the fingerprint covers these.
    """

    name: str
    version: int
    row_type: type[R]
    keys: Callable[[RecordedEvent], Iterable[DocumentKey]]
    fold: Callable[[Any, R | None, RecordedEvent], R | None]
    scopes: Callable[[R], Iterable[UUID]]
    golden_lines: int
    indexes: tuple[str, ...] = ()
    accepts_unknown: bool = False
    generated_columns: tuple[tuple[str, str], ...] = ()
    event_types: tuple[type[Event], ...] = ()


def key_by_stream(recorded: RecordedEvent) -> Iterable[UUID]:
    """The keys of a projection with one document for each stream."""
    return (recorded.stream,)


def key_by_position(recorded: RecordedEvent) -> Iterable[int]:
    """The keys of a projection with one document for each event."""
    return (recorded.position,)


class Answer(Struct, frozen=True):
    """What a query found, encoded once: the JSON body, its entity tag, where it belongs, and what comes next."""

    body: bytes
    etag: str
    workspace_id: UUID | None = None
    project_id: UUID | None = None
    next_cursor: str | None = None


class Query(Struct, frozen=True):
    """One statement of a question, and what each of its rows is. Tables are `{name}`, of any projection asked.

    Rows that are only passed on are a `dict` each, as the database gives them.
    """

    sql: str
    row_type: type[Any]


class Question(Struct, frozen=True):
    """Queries of the tables of projections, whose answer stays true while the generations of its scopes do.

    `of` says what the scopes are, and so who may have the answer: the members of each of those workspaces, those of the
    one that the project is in, that user, or, for `one` thing, the members of the workspace that the answer names.
    `answer` is called with the rows of each query, all read in one snapshot. It `moves` where time alone changes it.
    """

    projections: tuple[Projection[Any], ...]
    audience: Audience
    scopes: tuple[UUID, ...]
    name: str
    queries: tuple[Query, ...]
    parameters: dict[str, object]
    build_answer: Callable[..., Answer | None]
    is_time_dependent: bool = False

    def digest(self) -> str:
        """What tells this question from all others, for cache keys: whatever is asked, in whichever words."""
        asked = (self.name, self.audience, self.scopes, [query.sql for query in self.queries], self.parameters)
        return blake2b(msgspec.json.encode(asked), digest_size=16).hexdigest()


def single_table_question(  # noqa: PLR0913, PLR0917 - what makes a question
    projection: Projection[Any],
    audience: Audience,
    scope: UUID,
    name: str,
    sql: str,
    parameters: dict[str, object],
    build_answer: Callable[[list[Any]], Answer | None],
) -> Question:
    """A question of one table, in one query, of one scope."""
    return Question(
        (projection,), audience, (scope,), name, (Query(sql, projection.row_type),), parameters, build_answer
    )


@cache
def all_projections() -> dict[str, Projection[Any]]:
    """Each module of this package that has a `projection`, by its name."""
    modules = (import_module(f"projections.{found.name}") for found in pkgutil.iter_modules(projections.__path__))
    found = [module.projection for module in modules if hasattr(module, "projection")]
    return {projection.name: projection for projection in found}
