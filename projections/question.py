"""A question: queries on the read tables, the audience that may read the answer, and the answer."""

from collections.abc import Callable, Sequence
from hashlib import blake2b
from typing import Any, Self
from uuid import UUID

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from domain.errors import NotFound
from projections.moment import PAST_SCOPE, Moment
from projections.projection import Projection
from projections.span import Span


class Answer(Struct, frozen=True):
    """The answer to a question, encoded once: JSON body, entity tag, workspace and project, and next cursor.

    That of a task which `has_custom_fields` has them by id, and is shown only with their names.
    """

    body: bytes
    etag: str
    workspace_id: UUID | None = None
    project_id: UUID | None = None
    next_cursor: str | None = None
    has_custom_fields: bool = False


class AccessTarget(Struct, frozen=True):
    """What a reader needs access to: a workspace and a project in it; with no workspace, the project in its own."""

    workspace_id: UUID | None
    project_id: UUID | None = None


class Audience(Struct, frozen=True):
    """The users who may read an answer. `name` is part of cache keys and never changes.

    `required_access` takes the user, the scopes of the question, and the answer: None before it is known, for what can
    be checked without it. It raises NotFound for a user who is excluded whatever they have access to.
    """

    name: str
    required_access: Callable[[UUID, Sequence[UUID], Answer | None], Sequence[AccessTarget]]


def _each_workspace(_: UUID, scopes: Sequence[UUID], __: Answer | None) -> Sequence[AccessTarget]:
    return [AccessTarget(workspace) for workspace in scopes]


def _first_workspace(_: UUID, scopes: Sequence[UUID], __: Answer | None) -> Sequence[AccessTarget]:
    return (AccessTarget(scopes[0]),)


def _none(_: UUID, __: Sequence[UUID], ___: Answer | None) -> Sequence[AccessTarget]:
    return ()


def _project(_: UUID, scopes: Sequence[UUID], __: Answer | None) -> Sequence[AccessTarget]:
    return (AccessTarget(None, scopes[0]),)


def _same_user(user: UUID, scopes: Sequence[UUID], _: Answer | None) -> Sequence[AccessTarget]:
    if user not in scopes:
        raise NotFound
    return ()


def _answer_workspace(_: UUID, __: Sequence[UUID], answer: Answer | None) -> Sequence[AccessTarget]:
    return (AccessTarget(answer.workspace_id, answer.project_id),) if answer and answer.workspace_id else ()


WORKSPACE_MEMBERS = Audience("workspace", _each_workspace)
"""The members of the workspace that is the scope."""
EACH_WORKSPACE_MEMBERS = Audience("workspaces", _each_workspace)
"""The users who are members of all workspaces that are scopes."""
WORKSPACE_OWNERS = Audience("owners", _first_workspace)
"""The owners of the workspace that is the first scope. That they own it, the endpoint checks each time."""
INSTANCE_ADMINISTRATOR = Audience("administrator", _none)
"""The administrator of the installation, as the endpoint checks each time."""
PROJECT_MEMBERS = Audience("project", _project)
"""The members of the workspace of the project that is the scope."""
USER_ALONE = Audience("user", _same_user)
"""The user who is the scope."""
ANSWER_MEMBERS = Audience("one", _answer_workspace)
"""The members of the workspace that the answer names."""


class Query(Struct, frozen=True):
    """One SQL statement of a question, and the type of its rows; `{name}` is the table of that projection.

    Rows that are passed on unchanged have the type `dict`, as the database returns them.
    """

    sql: str
    row_type: type[Any]


class PastReads(Struct, frozen=True):
    """What a question reads in addition if it is asked about the past: projections and queries."""

    projections: tuple[Projection[Any], ...] = ()
    queries: tuple[Query, ...] = ()


class Question(Struct, frozen=True):
    """Queries on the tables of projections; the answer is valid until the generation of one of its scopes changes.

    `audience` may read the answer. `build_answer` is called with the rows of each query, all read in one snapshot. If
    `is_time_dependent`, the passing of time alone can change the answer. With a `moment`, the queries are about the
    documents as they were then, which takes the rows of `past_reads` too.
    """

    projections: tuple[Projection[Any], ...]
    audience: Audience
    scopes: tuple[UUID, ...]
    name: str
    queries: tuple[Query, ...]
    parameters: dict[str, object]
    build_answer: Callable[..., Answer | None]
    is_time_dependent: bool = False
    past_reads: PastReads = PastReads()
    moment: Moment | Span | None = None

    @property
    def cache_scopes(self) -> tuple[UUID, ...]:
        """The scopes whose generations the answer depends on."""
        return (PAST_SCOPE,) if self.moment else self.scopes

    def as_of(self, moment: Moment | Span | None) -> Self:
        """The same question about a moment of the past, or a span; all its projections keep the past."""
        if moment is None:
            return self
        return replace(
            self,
            projections=(*self.projections, *self.past_reads.projections),
            queries=(*self.queries, *self.past_reads.queries),
            parameters=self.parameters | moment.parameters(),
            moment=moment,
        )

    def digest(self) -> str:
        """A hash of all that distinguishes this question from others, including its SQL, for cache keys."""
        asked = (self.name, self.audience.name, self.scopes, [query.sql for query in self.queries], self.parameters)
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
