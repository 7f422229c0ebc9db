"""The project list: one row per project of a workspace, with its number of tasks by column and status."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Annotated, TypeAlias
from uuid import UUID

from msgspec import Meta, Struct
from msgspec.structs import replace

from domain.column import Column
from domain.custom_field import CustomField
from domain.event import OpaqueEvent, RecordedEvent, apply_changes
from domain.project import (
    ArchiveRuleSet,
    ColumnsSet,
    ProjectArchived,
    ProjectCreated,
    ProjectFieldsSet,
    ProjectPurged,
    ProjectRenamed,
    ProjectRestored,
    ProjectTrashed,
    WipPolicy,
)
from domain.task import (
    TaskArchived,
    TaskCompleted,
    TaskCreated,
    TaskMoved,
    TaskMovedToProject,
    TaskReopened,
    TaskRestored,
    TaskStatus,
    TaskTrashed,
    TaskUnarchived,
)
from projections.custom_field_names import ProjectFields, definitions_query
from projections.pagination import PageCursor, encode_answer, encode_versioned_answer, list_id_for, paginate
from projections.projection import Past, Projection, all_projections
from projections.question import (
    ANSWER_MEMBERS,
    WORKSPACE_MEMBERS,
    Answer,
    Audience,
    PastReads,
    Query,
    Question,
    single_table_question,
)

_ProjectKey: TypeAlias = Annotated[str, Meta(pattern=r"^[A-Z0-9]+$(?!\n)", max_length=20)]


class BoardColumn(Struct, frozen=True):
    """A column of a board; a removed one is shown last, until it has no tasks."""

    id: str
    name: str
    wip_limit: int | None = None
    removed: bool = False
    done: bool = False


class ProjectRow(Struct, frozen=True):
    """A project; `counts` is the number of tasks by column and status, without those in the trash or archived."""

    id: UUID
    workspace_id: UUID
    name: str
    key: str
    columns: tuple[BoardColumn, ...]
    wip: WipPolicy
    fields: tuple[CustomField, ...]
    archive_after: int | None
    archived: bool
    trashed: bool
    version: int
    created_at: datetime
    updated_at: datetime
    counts: dict[str, dict[TaskStatus, int]]


def keys(recorded: RecordedEvent) -> Iterable[UUID]:
    match recorded.event:
        case TaskCreated(project_id=project) | TaskCompleted(project_id=project):
            return {project}
        case TaskReopened(project_id=project) | TaskTrashed(project_id=project):
            return {project}
        case TaskRestored(project_id=project) | TaskArchived(project_id=project) | TaskUnarchived(project_id=project):
            return {project}
        case TaskMoved(project_id=moved) | TaskMovedToProject(project_id=moved):
            return {moved.old, moved.new}
    return {recorded.stream}


def fold(key: UUID, project: ProjectRow | None, recorded: RecordedEvent) -> ProjectRow | None:
    event, at = recorded.event, recorded.at
    if isinstance(event, ProjectCreated):
        return ProjectRow(
            id=key,
            workspace_id=event.workspace_id,
            name=event.name,
            key=event.key,
            columns=_board_columns(event.columns),
            wip="warn",
            fields=(),
            archive_after=None,
            archived=False,
            trashed=False,
            version=recorded.version,
            created_at=at,
            updated_at=at,
            counts={},
        )
    return None if project is None or isinstance(event, ProjectPurged) else _apply(project, recorded)


def _apply(project: ProjectRow, recorded: RecordedEvent) -> ProjectRow:  # noqa: PLR0911 - one for each kind of event
    match event := recorded.event:
        case TaskTrashed(archived=True) | TaskRestored(archived=True) | TaskMovedToProject(is_on_board=False):
            return project
        case TaskCreated():
            return _add_to_count(project, event.column, "open", 1)
        case TaskCompleted() | TaskReopened():
            without = _add_to_count(project, event.column, event.status.old, -1)
            return _add_to_count(without, event.column, event.status.new, 1)
        case TaskTrashed() | TaskArchived():
            return _add_to_count(project, event.column, event.status, -1)
        case TaskMoved() | TaskMovedToProject():
            gone = (
                _add_to_count(project, event.column.old, event.status, -1)
                if event.project_id.old == project.id
                else project
            )
            return (
                _add_to_count(gone, event.column.new, event.status, 1) if event.project_id.new == project.id else gone
            )
        case TaskRestored() | TaskUnarchived():
            return _add_to_count(project, event.column.new, event.status, 1)
        case _:
            after = apply_changes(project, event, version=recorded.version, updated_at=recorded.at)
            columns = _replace_columns(project, event.columns.new) if isinstance(event, ColumnsSet) else after.columns
            return replace(after, columns=columns)


def _add_to_count(project: ProjectRow, column: str, status: TaskStatus, delta: int) -> ProjectRow:
    """The project with `delta` more tasks in one column, without zero counts and without empty removed columns."""
    here = project.counts.get(column, {})
    changed = {**here, status: here.get(status, 0) + delta}
    if status in here and changed[status]:  # the same keys in the same order, and so the same columns
        return replace(project, counts={**project.counts, column: changed})
    counts_by_column = {**project.counts, column: {each: count for each, count in sorted(changed.items()) if count}}
    counts = {each: of for each, of in sorted(counts_by_column.items()) if of}
    columns = tuple(one for one in project.columns if not one.removed or one.id in counts)
    return replace(project, counts=counts, columns=columns)


def _board_columns(columns: Iterable[Column]) -> tuple[BoardColumn, ...]:
    return tuple(BoardColumn(column.id, column.name, column.wip_limit, done=column.done) for column in columns)


def _replace_columns(project: ProjectRow, columns: Iterable[Column]) -> tuple[BoardColumn, ...]:
    """The columns that a board has now, then removed columns that still have tasks."""
    now = _board_columns(columns)
    left = (
        column for column in project.columns if column.id in project.counts and column.id not in {one.id for one in now}
    )
    return (*now, *(BoardColumn(column.id, column.name, removed=True) for column in left))


def scopes(project: ProjectRow) -> Iterable[UUID]:
    yield project.id
    yield project.workspace_id


projection = Projection(
    "project_list",
    7,
    ProjectRow,
    keys,
    fold,
    scopes,
    golden_lines=200,
    indexes=("(workspace_id, key)",),
    event_types=(
        *(ProjectCreated, ProjectRenamed, ColumnsSet, ProjectFieldsSet, ArchiveRuleSet),
        *(ProjectArchived, ProjectTrashed, ProjectRestored, ProjectPurged),
        *(TaskCreated, TaskCompleted, TaskReopened, TaskMoved, TaskMovedToProject, TaskTrashed, TaskRestored),
        *(TaskArchived, TaskUnarchived, OpaqueEvent),
    ),
    past=Past(purged_by=(ProjectPurged,), indexes=(("workspace", "(workspace_id, valid_to)"),), transient=("counts",)),
)


class _TaskCount(Struct, frozen=True):
    """How many tasks of a project are in a column and of a status."""

    project_id: UUID
    column: str
    status: TaskStatus
    count: int


def by_id(project: UUID) -> Question:
    """A single project."""
    sql = "select * from {project_list} project where id = %(id)s"
    return _question(ANSWER_MEMBERS, project, "one", sql, {"id": project}, _item_answer)


def by_name(workspace: UUID, project: str | UUID) -> Question:
    """The project of a workspace with a key or an id."""
    column = "id" if isinstance(project, UUID) else "key"
    sql = f"select * from {{project_list}} project where workspace_id = %(workspace)s and {column} = %(name)s"  # noqa: S608 - our own text
    parameters: dict[str, object] = {"workspace": workspace, "name": project}
    return _question(WORKSPACE_MEMBERS, workspace, f"project by {column}", sql, parameters, _item_answer)


def custom_fields(scopes: Sequence[UUID], audience: Audience) -> Question:
    """The custom fields of the projects that are, or whose workspaces are, these scopes, without those in the trash."""
    here = tuple(scopes)
    query = definitions_query("(id = any(%(here)s) or workspace_id = any(%(here)s)) and not trashed")
    return Question((projection,), audience, here, "custom fields", (query,), {"here": [*here]}, _custom_fields_answer)


def _custom_fields_answer(rows: list[ProjectFields]) -> Answer:
    return encode_answer([field for row in rows for field in row.fields])


def page(workspace: UUID, limit: int, cursor: str | None, *, archived: bool) -> Question:
    """The projects of a workspace that are not in the trash, by key; archived ones only if `archived`.

    Raises BadCursor, or CursorMismatch for a cursor of another list or filter.
    """
    list_id = list_id_for(workspace, "projects", {"archived": archived})
    after = PageCursor.parse(cursor, list_id, _ProjectKey) or ""
    sql = """select * from {project_list} project where workspace_id = %(workspace)s and not trashed
             and (%(archived)s or not archived) and key > %(after)s order by key limit %(rows)s"""
    parameters: dict[str, object] = {"workspace": workspace, "archived": archived, "after": after, "rows": limit + 1}
    return _question(
        WORKSPACE_MEMBERS, workspace, "page", sql, parameters, lambda rows: _page_answer(rows, limit, list_id)
    )


def _question(  # noqa: PLR0913, PLR0917 - the parts of a question
    audience: Audience,
    scope: UUID,
    name: str,
    sql: str,
    parameters: dict[str, object],
    build_answer: Callable[[list[ProjectRow]], Answer | None],
) -> Question:
    """A question about projects; about the past, their tasks are counted as they were."""

    def answer(rows: list[ProjectRow], counts: list[_TaskCount] | None = None) -> Answer | None:
        return build_answer(rows if counts is None else [_counted(row, counts) for row in rows])

    counted = f"""select project_id, "column", status, count(*) as count from {{task_list}} task
        where project_id in (select id from ({sql}) as listed) and not trashed and not archived
        group by 1, 2, 3 order by 2, 3"""  # noqa: S608 - our own text
    asked = single_table_question(projection, audience, scope, name, sql, parameters, answer)
    return replace(asked, past_reads=PastReads((all_projections()["task_list"],), (Query(counted, _TaskCount),)))


def _counted(project: ProjectRow, counts: Sequence[_TaskCount]) -> ProjectRow:
    """The project with the number of its tasks by column and status."""
    found: dict[str, dict[TaskStatus, int]] = {}
    for one in counts:
        if one.project_id == project.id:
            found.setdefault(one.column, {})[one.status] = one.count
    return replace(project, counts=found)


IDS_BY_KEY_FOR_MEMBER_SQL = """select project.id, workspace.id from {workspace_list} workspace
            join {project_list} project on project.workspace_id = workspace.id
            where project.key = %(key)s and workspace.members ? %(user)s"""
"""The ids of the projects with a key in a user's workspaces, and of those workspaces."""
IDS_BY_NAME_SQL = """select id, workspace_id from {project_list}
            where key = %(name)s or upper(id::text) = %(name)s limit 2"""
"""The projects of any workspace with a key, or the one with an id in capitals; two show that a key is ambiguous."""
IDS_IN_WORKSPACE_SQL = "select id from {project_list} where workspace_id = %s order by id"


def _page_answer(rows: list[ProjectRow], limit: int, list_id: UUID) -> Answer:
    return paginate(rows, limit, list_id, lambda row: row.key)


def _item_answer(rows: list[ProjectRow]) -> Answer | None:
    return encode_versioned_answer(rows[0], rows[0].version, rows[0].workspace_id, rows[0].id) if rows else None
