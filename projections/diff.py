"""The diff of two moments: which documents differ, what they were and became, and when each field changed between."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Literal, TypeAlias
from uuid import UUID

import msgspec
from msgspec import Struct

from domain.diff import Kind
from projections import comment_list, project_list, task_list
from projections.comment_list import CommentRow
from projections.pagination import encode_answer
from projections.project_list import ProjectRow
from projections.projection import Projection
from projections.question import WORKSPACE_MEMBERS, Answer, Query, Question
from projections.task_list import TaskRow

Scope: TypeAlias = Literal["task", "project", "workspace"]

MAX_FIELD_EVENTS: Final = 100
"""The number of changes of one field that are listed, the last ones."""
_NO_ID: Final = UUID(int=0)


class DiffKind(Struct, frozen=True):
    """A kind of documents that a diff compares, and the column that says what it is in, by scope.

    What is `gone` is not there for its clients. A field of `maps` has keys of its own, which are compared one by one.
    `named_by` are the fields of its key and title; one without is called what its task is. In an `unindexed` scope its
    documents are looked for among those of the workspace.
    """

    name: Kind
    projection: Projection[Any]
    row_type: type[Struct]
    columns: Mapping[Scope, str]
    gone: str
    named_by: tuple[str, str] | None = None
    hidden: tuple[str, ...] = ()
    maps: tuple[str, ...] = ()
    unindexed: tuple[Scope, ...] = ()

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields that are compared: all that clients see, but those that are `hidden`."""
        return tuple(name for name in self.row_type.__struct_fields__ if name not in self.hidden)


KINDS: Final = (
    DiffKind(
        "project",
        project_list.projection,
        ProjectRow,
        {"project": "id", "workspace": "workspace_id"},
        gone="trashed",
        named_by=("key", "name"),
        hidden=("counts",),
    ),
    DiffKind(
        "task",
        task_list.projection,
        TaskRow,
        {"task": "id", "project": "project_id", "workspace": "workspace_id"},
        gone="trashed",
        named_by=("key", "title"),
        maps=("fields",),
    ),
    DiffKind(
        "comment",
        comment_list.projection,
        CommentRow,
        {"task": "task_id", "project": "project_id", "workspace": "workspace_id"},
        gone="deleted",
        unindexed=("project",),
    ),
)
"""The kinds, in the order in which a diff lists them; a new one is a line here."""


class DiffTarget(Struct, frozen=True):
    """What is compared: a task, a project or a workspace, and the workspace that it is in."""

    scope: Scope
    id: UUID
    workspace_id: UUID

    def kinds(self) -> list[DiffKind]:
        """The kinds of documents in it."""
        return [kind for kind in KINDS if self.scope in kind.columns]


class DocumentChanges(Struct, frozen=True):
    """A document at both ends of a span, None where it is not there, and the positions at which each field changed."""

    id: UUID
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    positions: dict[str, list[int]]


class _Field(Struct, frozen=True):
    """A field of a document, and the positions at which it changed, the last ones, latest first."""

    id: UUID
    field: str
    positions: list[int]


def changed_ids(kind: DiffKind, target: DiffTarget, after: UUID | None, limit: int) -> Question:
    """The ids of documents of a kind that have another version at the end of a span, in order; for `as_of` it."""
    sql = f"""select distinct id from {{{kind.projection.name}}} version
        where {_in_scope_sql(kind, target.scope)} and id > %(after)s order by id limit %(rows)s"""  # noqa: S608 - our own text
    return _question(
        kind,
        target,
        "ids",
        (Query(sql, dict),),
        {"after": after or _NO_ID, "rows": limit},
        lambda rows: encode_answer([row["id"] for row in rows]),
    )


def document_changes(kind: DiffKind, target: DiffTarget, ids: Sequence[UUID]) -> Question:
    """These documents at both ends of a span, and what changed in between; for `as_of` it."""
    table, columns = kind.projection.name, ", ".join(f'"{name}"' for name in kind.row_type.__struct_fields__)
    ends = f"""select was_valid, {columns} from {{{table}}} version
        where id = any(%(ids)s) and {_in_scope_sql(kind, target.scope)}"""  # noqa: S608 - our own text
    fields = f"""select id, field, (array_agg(valid_from order by valid_from desc))[1:{MAX_FIELD_EVENTS}] as positions
        from (
          select id, valid_from, is_new, {_changed_sql(kind)} from {{{table}}} version
          where id = any(%(ids)s) window earlier as (partition by id order by valid_from)
        ) version cross join unnest({_all_changed_sql(kind)}) as field
        where is_new and field is not null group by id, field"""  # noqa: S608 - our own text
    return _question(
        kind,
        target,
        "changes",
        (Query(ends, dict), Query(fields, _Field)),
        {"ids": [*ids]},
        lambda ends, fields: encode_answer(_joined(kind, ids, ends, fields)),
    )


def _question(  # noqa: PLR0913, PLR0917 - the parts of a question
    kind: DiffKind,
    target: DiffTarget,
    name: str,
    queries: tuple[Query, ...],
    parameters: dict[str, object],
    build_answer: Callable[..., Answer],
) -> Question:
    """A question about documents of a kind, which the members of the workspace may ask."""
    return Question(
        (kind.projection,),
        WORKSPACE_MEMBERS,
        (target.workspace_id,),
        f"diff {kind.name} {name}",
        queries,
        {"target": target.id, "workspace": target.workspace_id, **parameters},
        build_answer,
    )


def _in_scope_sql(kind: DiffKind, scope: Scope) -> str:
    """The condition of a version that is at one end of the span, and not at the other."""
    narrowed = " and workspace_id = %(workspace)s" if scope in kind.unindexed else ""
    return f"was_valid <> is_valid and {kind.columns[scope]} = %(target)s{narrowed} and not {kind.gone}"


def _changed_sql(kind: DiffKind) -> str:
    """The fields that have another value than in the version before, all in the first one; and the `maps` before."""
    changed = ", ".join(
        f"""case when lag(id) over earlier is null or "{name}" is distinct from lag("{name}") over earlier
          then '{name}' end"""
        for name in kind.fields
        if name not in kind.maps
    )
    maps = "".join(f', "{name}", lag("{name}") over earlier as "former_{name}"' for name in kind.maps)
    return f"array[{changed}] as changed{maps}"


def _all_changed_sql(kind: DiffKind) -> str:
    """The changed fields, with the changed keys of `maps`."""
    keys = [
        f"""array(select '{name}.' || key from jsonb_each("{name}") as new
          full join jsonb_each("former_{name}") as old using (key) where new.value is distinct from old.value)"""  # noqa: S608 - our own text
        for name in kind.maps
    ]
    return " || ".join(["changed", *keys])


def _joined(
    kind: DiffKind, ids: Sequence[UUID], ends: Sequence[dict[str, Any]], fields: Sequence[_Field]
) -> list[DocumentChanges]:
    """What was found about each document, in their order."""
    before, after = (
        {end["id"]: _shown(kind, end) for end in ends if end["was_valid"] is side} for side in (True, False)
    )
    positions: dict[UUID, dict[str, list[int]]] = {}
    for one in fields:
        positions.setdefault(one.id, {})[one.field] = sorted(one.positions)
    return [DocumentChanges(key, before.get(key), after.get(key), positions.get(key, {})) for key in ids]


def _shown(kind: DiffKind, row: dict[str, Any]) -> dict[str, Any]:
    """The fields that are compared, as clients see them."""
    document = msgspec.convert(row, kind.row_type, str_keys=True)
    return {name: getattr(document, name) for name in kind.fields}


def decode_ids(answer: Answer | None) -> list[UUID]:
    """The answer to `changed_ids`."""
    return msgspec.json.decode(answer.body, type=list[UUID]) if answer else []


def decode_changes(answer: Answer | None) -> list[DocumentChanges]:
    """The answer to `document_changes`."""
    return msgspec.json.decode(answer.body, type=list[DocumentChanges]) if answer else []
