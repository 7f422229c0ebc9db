"""A question: queries on the read tables, the audience that may read the answer, and the answer."""

from collections.abc import Callable
from hashlib import blake2b
from typing import Any, Literal, TypeAlias
from uuid import UUID

import msgspec
from msgspec import Struct

from projections.projection import Projection

Audience: TypeAlias = Literal["workspace", "workspaces", "project", "user", "one"]


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
