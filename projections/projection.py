"""A projection: the documents that an event changes, the fold that changes them, and the table that stores them."""

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
    """A read model that a pure fold derives from the log.

    `keys` returns the keys of the documents that an event changes, all in the event's own workspace; `fold` returns a
    document after an event (None: there is none); `scopes` returns the ids by which cached answers with a document are
    invalidated. The table has a column for each field of `row_type`; the first, `id`, is its primary key.
    `generated_columns` are further columns, each a name and the text after `add column <name>`. `indexes` are the texts
    after `create index on <table>`. A fold that `accepts_unknown` events does not read their content; for any other
    fold, an unknown event parks the document. If only some event types change anything, `event_types` lists them, and
    batches skip the rest. `golden_lines` is the number of lines that `golden.jsonl` had when the version was raised;
    the fingerprint covers these.
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
    """The keys of a projection with one document per stream."""
    return (recorded.stream,)


def key_by_position(recorded: RecordedEvent) -> Iterable[int]:
    """The keys of a projection with one document per event."""
    return (recorded.position,)


class Answer(Struct, frozen=True):
    """The answer to a question, encoded once: JSON body, entity tag, workspace and project, and next cursor."""

    body: bytes
    etag: str
    workspace_id: UUID | None = None
    project_id: UUID | None = None
    next_cursor: str | None = None


class Query(Struct, frozen=True):
    """One SQL statement of a question, and the type of its rows; `{name}` is the table of that projection.

    Rows that are passed on unchanged have the type `dict`, as the database returns them.
    """

    sql: str
    row_type: type[Any]


class Question(Struct, frozen=True):
    """Queries on the tables of projections; the answer is valid until the generation of one of its scopes changes.

    `audience` says what the scopes are, and so who may read the answer: the members of each of those workspaces, the
    members of the project's workspace, that user, or, for `one`, the members of the workspace that the answer names.
    `build_answer` is called with the rows of each query, all read in one snapshot. If `is_time_dependent`, the passing
    of time alone can change the answer.
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
        """A hash of all that distinguishes this question from others, including its SQL, for cache keys."""
        asked = (self.name, self.audience, self.scopes, [query.sql for query in self.queries], self.parameters)
        return blake2b(msgspec.json.encode(asked), digest_size=16).hexdigest()


def single_table_question(  # noqa: PLR0913, PLR0917 - the parts of a question
    projection: Projection[Any],
    audience: Audience,
    scope: UUID,
    name: str,
    sql: str,
    parameters: dict[str, object],
    build_answer: Callable[[list[Any]], Answer | None],
) -> Question:
    """A question with one query, on one table, in one scope."""
    return Question(
        (projection,), audience, (scope,), name, (Query(sql, projection.row_type),), parameters, build_answer
    )


@cache
def all_projections() -> dict[str, Projection[Any]]:
    """The `projection` of each module of this package that has one, by the projection's name."""
    modules = (import_module(f"projections.{found.name}") for found in pkgutil.iter_modules(projections.__path__))
    found = [module.projection for module in modules if hasattr(module, "projection")]
    return {projection.name: projection for projection in found}
