"""What a copy of a task carries: a duplicate, a task of a copied project, and the next instance of a series."""

from collections.abc import Iterator, Mapping
from typing import Any, Final
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from commands.command import DecisionContext
from domain.checklist import Checklist
from domain.column import Column
from domain.custom_field import FieldValues
from domain.member import Member, member_stream_id
from domain.project import Project
from domain.rank import Ranks
from domain.task import Task, TaskCreated

_PLACE: Final = {"workspace_id", "project_id", "key", "column", "rank", "parent_id"}
"""Where a task is, and a copy of it is elsewhere."""
CARRIED_FIELDS: Final = tuple(
    name for name in TaskCreated.__struct_fields__ if name in Task.__struct_fields__ and name not in _PLACE
)
"""What there is to do, by whom and when; not what was done: the status, comments, attachments."""


def copy_of(task: Task, context: DecisionContext, **differs: Any) -> TaskCreated:
    """The first event of a copy, with `differs`: its place, and what else is not as in the task.

    Its checklist is not ticked, and of its assignees those stay who are members still.
    """
    carried = {name: getattr(task, name) for name in CARRIED_FIELDS} | {
        "checklist": _unchecked(task.checklist, context),
        "assignees": tuple(user for user in task.assignees if _is_member(task.workspace_id, user, context)),
    }
    return TaskCreated(workspace_id=task.workspace_id, **carried | differs)


class CopiedTree(Struct, frozen=True):
    """Tasks that are copied together, each parent before its sub-tasks; the ids and numbers of the copies.

    They go to the bottom of a project, in the order that they have. `ancestors` are those of a copy whose parent is not
    copied; `values` has the custom fields of each source, if they are other ones there.
    """

    sources: Mapping[UUID, Task]
    ids: Mapping[UUID, UUID]
    numbers: Mapping[UUID, int]
    target: tuple[UUID, Project]
    ranks: Ranks
    ancestors: tuple[UUID, ...] = ()
    values: Mapping[UUID, FieldValues] = {}

    def events(self, context: DecisionContext) -> Iterator[tuple[UUID, TaskCreated]]:
        """The id and the first event of each copy, in the order of the sources."""
        project_id, project = self.target
        context.load_all(Task, list(self.ids.values()))  # the append asserts that they are new
        by_rank = sorted(self.sources, key=lambda each: (self.ranks.current_rank(each, self.sources[each].rank), each))
        new_ranks = {source: context.new_rank(is_first=False) for source in by_rank}
        ancestors = dict[UUID, tuple[UUID, ...]]()
        for source, task in self.sources.items():
            parent = self.ids.get(task.parent_id) if task.parent_id else None
            above = (parent, *ancestors[parent]) if parent else self.ancestors
            ancestors[self.ids[source]] = above
            created = copy_of(
                task,
                context,
                project_id=project_id,
                number=self.numbers[source],
                key=f"{project.key}-{self.numbers[source]}",
                column=_open_column(task, project).id,
                rank=new_ranks[source],
                parent_id=next(iter(above), None),
                ancestors=above,
                fields=self.values.get(source, task.fields),
            )
            yield self.ids[source], created


def _open_column(task: Task, project: Project) -> Column:
    """The column in which a copy is open: that of the task, or the one that its completion left, or the first one."""
    former = (project.find_column_by_id(name) for name in (task.column, task.completed_from or ""))
    return next((column for column in (*former, *project.columns) if column and not column.done), project.columns[0])


def _is_member(workspace_id: UUID, user_id: UUID, context: DecisionContext) -> bool:
    return context(Member, member_stream_id(workspace_id, user_id)) is not None


def _unchecked(checklist: Checklist, context: DecisionContext) -> Checklist:
    return tuple(replace(item, id=context.new_id(), done=False) for item in checklist)
