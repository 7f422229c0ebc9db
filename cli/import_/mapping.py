"""Maps rows of an imported file to the commands that create tasks."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from cli.import_.board_columns import BoardColumns
from cli.import_.checklist import read_checklist
from cli.import_.comments import read_comments
from cli.import_.description import build_description, with_parent_title
from cli.import_.due import DUE_FIELDS, parse_due
from cli.import_.estimate import read_estimate
from cli.import_.field_names import FALLBACK_TITLE_FIELDS, PARENT_FIELDS
from cli.import_.flat_parents import own_id_of, parent_id_of
from cli.import_.labels import LABEL_FIELDS, parse_labels
from cli.import_.priority import PRIORITY_FIELDS, WORD_FIELDS, PriorityScale, parse_priority
from cli.import_.progress import TaskProgress, read_progress
from cli.import_.remarks import AddRemark
from cli.import_.row_fields import RowFields
from cli.import_.rows import Row, title_of
from cli.import_.start import read_start
from cli.import_.task_ids import comment_id, task_id
from cli.import_.text_validation import MalformedRow, is_uuid, require_text, to_one_line
from commands.archive import ArchiveTask
from commands.command import Command
from commands.comment import AddComment
from commands.field_types import MAX_LABELS_PER_TASK, normalize_date
from commands.handling.command_on import CommandOn
from commands.task import CompleteTask, CreateTask
from commands.trash import TrashTask
from domain.label import distinct_labels, normalize_label
from domain.task import Task


class ImportProject(Struct, frozen=True):
    """What a row is mapped to: the project, its columns, and what numbers mean as priorities."""

    id: UUID
    columns: BoardColumns = BoardColumns(())
    priority_scale: PriorityScale = PriorityScale()


class MappedTask(Struct, frozen=True):
    """A row as a task, with the fields that were ignored and remarks on those that were converted."""

    location: str
    id: UUID
    create: CreateTask
    is_done: bool
    is_deleted: bool
    is_archived: bool
    ignored_fields: tuple[str, ...]
    remarks: tuple[str, ...]
    parent_title: str = ""
    """Of a sub-task."""
    comments: tuple[str, ...] = ()

    @property
    def commands(self) -> list[CommandOn]:
        """Its commands, to be executed all together or not at all."""
        commands: list[Command[Task]] = [self.create, *([CompleteTask()] if self.is_done else [])]
        archive = [ArchiveTask()] if self.is_archived else []
        trash = [TrashTask(expected_version=len(commands) + len(archive))] if self.is_deleted else []
        return [
            *(CommandOn(self.id, command) for command in commands),
            *(
                CommandOn(comment_id(self.id, number), AddComment(task_id=self.id, text=text))
                for number, text in enumerate(self.comments)
            ),
            *(CommandOn(self.id, command) for command in (*archive, *trash)),
        ]

    @property
    def text_chars(self) -> int:
        """The length of its longer texts."""
        checklist_chars = sum(len(item.text) for item in self.create.checklist)
        return len(self.create.description or "") + checklist_chars + sum(map(len, self.comments))

    def without_parent(self) -> "MappedTask":
        """The same sub-task as a task of its own, whose description names the parent."""
        description = with_parent_title(self.create.description or "", self.parent_title)
        return replace(self, create=replace(self.create, parent_id=None, description=description))

    def matches(self, task: Task | None) -> bool:
        """Whether the existing task has the values of the row."""
        create = self.create
        return (
            task is not None
            and (task.title, task.priority, task.due, task.start, task.estimate)
            == (
                create.title,
                create.priority or "none",
                normalize_date(create.due),
                normalize_date(create.start),
                create.estimate,
            )
            and any(
                (task.parent_id, task.description) == (each.parent_id, each.description or "")
                for each in ([create, self.without_parent().create] if self.parent_title else [create])
            )
            and [(item.text, item.done) for item in task.checklist]
            == [(item.text, item.done) for item in create.checklist]
            and set(map(normalize_label, task.labels)) == set(map(normalize_label, create.labels))
            and (task.status == "done") == self.is_done
            and (task.trashed or not self.is_deleted)
            and (task.archived or not self.is_archived)
        )


class RefusedRow(Struct, frozen=True):
    """A row that was not imported: why, and the kind of reason, which rows with other values share."""

    location: str
    reason: str
    kind: str = ""


class RepeatedRow(Struct, frozen=True):
    """A row with the list, parents, id and title of an earlier one: it is the same task."""

    is_equal: bool
    """Whether all its values are those of the earlier row."""


def map_rows(rows: Iterable[Row], project: ImportProject) -> Iterator[MappedTask | RefusedRow | RepeatedRow]:
    """Each row, in order, as a task of the project, a refusal with its reason, or a repetition.

    Rows without an id may be alike and yet mean two tasks. A sub-task whose parent is refused,
    deleted or archived has none.
    """
    occurrences: Counter[object] = Counter()
    first_values: dict[UUID, object] = {}
    parent_ids: dict[int, UUID] = {}
    for row in rows:
        try:
            task = _map_row(row, project, occurrences)
        except MalformedRow as error:
            yield RefusedRow(row.location, str(error), error.kind)
            continue
        if not (task.is_deleted or task.is_archived):
            parent_ids[id(row.value)] = task.id
        if row.parent is not None:
            task = _below(task, parent_ids.get(id(row.parent)))
        if task.id in first_values:
            yield RepeatedRow(first_values[task.id] == row.value)
            continue
        first_values[task.id] = row.value
        yield task


def _below(task: MappedTask, parent_id: UUID | None) -> MappedTask:
    return replace(task, create=replace(task.create, parent_id=parent_id)) if parent_id else task.without_parent()


def _map_row(row: Row, project: ImportProject, occurrences: Counter[object]) -> MappedTask:
    row_fields = RowFields(row.value)
    remarks: list[str] = []
    title = _read_title(row_fields, remarks.append)
    id_and_title = (row_fields.own_id(), title)
    identity = row.list_name, row.parent_titles, str(id_and_title)
    occurrences[identity] += id_and_title[0] in (None, "") or not occurrences[identity]
    progress = read_progress(row_fields, row, project.columns, remarks.append)
    estimate = read_estimate(row_fields, remarks.append)
    due = _read_due(row_fields, remarks.append)
    if row.parent is not None:
        _read_parent(row.parent, row_fields)
    create = CreateTask(
        title=title,
        project_id=project.id,
        column=progress.column,
        labels=_collect_labels(row, row_fields, progress, remarks.append),
        priority=parse_priority(_pop_priority(row_fields), project.priority_scale, remarks.append),
        description=build_description(row_fields, remarks.append),
        due=due,
        start=read_start(row_fields, due, remarks.append),
        estimate=estimate,
        checklist=read_checklist(row_fields, remarks.append),
    )
    comments = read_comments(row_fields, remarks.append)
    return MappedTask(
        row.location,
        task_id(project.id, row, id_and_title, occurrences[identity]),
        create,
        progress.is_done,
        progress.is_deleted,
        progress.is_archived,
        row_fields.unread_names(),
        tuple(dict.fromkeys(remarks)),
        _title_of_parent(row),
        comments,
    )


def _read_title(row_fields: RowFields, add_remark: AddRemark) -> str:
    name, value = row_fields.pop_title()
    if name in FALLBACK_TITLE_FIELDS:
        add_remark(f"{name} became the title, as there is no other")
    if isinstance(value, str) and (line := to_one_line(value)) != value and line != value.strip():
        add_remark(f"{name} has line ends: each became a space")
        value = line
    return require_text("title", value)


def _read_due(row_fields: RowFields, add_remark: AddRemark) -> str | None:
    name, value = row_fields.pop_first(DUE_FIELDS)
    return parse_due(name, value, add_remark) if value not in (None, "", {}) else None


def _read_parent(parent: Mapping[str, object], row_fields: RowFields) -> None:
    """Read the field that names the parent, if it is this one; else it stays unread."""
    name, value = row_fields.pop_first(PARENT_FIELDS)
    if value is not None and parent_id_of(value) != own_id_of(parent):
        row_fields.put_back(name, value)


def _title_of_parent(row: Row) -> str:
    if row.parent is None:
        return ""
    title = title_of(row.parent)
    return title.strip() if isinstance(title, str) and title.strip() else row.location


def _pop_priority(row_fields: RowFields) -> tuple[str, object]:
    """The priority as a word if there is one, else as it is."""
    word, plain = row_fields.pop_first(WORD_FIELDS), row_fields.pop_first(PRIORITY_FIELDS)
    return word if word[1] not in (None, "") else plain


def _collect_labels(row: Row, row_fields: RowFields, progress: TaskProgress, add_remark: AddRemark) -> tuple[str, ...]:
    """The name of the row's list, its own labels, and a status that is neither open nor done."""
    own = [label for name, value in row_fields.pop_all(LABEL_FIELDS) for label in parse_labels(name, value, add_remark)]
    list_label = "" if is_uuid(row.list_name) else row.list_name
    if list_label != row.list_name:
        add_remark("the list is named by an id, which became no label")
    all_labels = [list_label and require_text("tag", list_label, "label"), *own, progress.label or ""]
    labels = distinct_labels(label for label in all_labels if label)
    if len(labels) > MAX_LABELS_PER_TASK:
        raise MalformedRow(f"{len(labels)} labels, at most {MAX_LABELS_PER_TASK}", kind="too many labels")
    return labels
