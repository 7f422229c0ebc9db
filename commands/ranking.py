"""Ranking: the place of a task in the order of its project, as a client names it, and the events that give it one."""

from collections.abc import Iterator
from uuid import UUID

from msgspec import Struct

from commands.command import DecisionContext, OtherStreamEvent, require_found
from domain.errors import NotFound, TaskIsArchived, TaskIsTrashed
from domain.event import Change
from domain.rank import MAX_FRACTION_CHARACTERS, RankPlace, Ranks, RankTaken, ranks_stream_id, split_rank
from domain.task import Task


def task_id_of(name: str) -> UUID:
    """The id of a task; raises NotFound for a key, which then is that of no task that the caller can see."""
    try:
        return UUID(name)
    except ValueError:
        raise NotFound from None


class Placement(Struct, frozen=True):
    """A place in the order: first, last, before or after the task `beside`, or as in a `former` state of the task."""

    place: RankPlace = "bottom"
    beside: UUID | None = None
    former: Task | None = None


BOTTOM = Placement()


def rank_change(task_id: UUID, task: Task, placement: Placement, context: DecisionContext) -> Change[str]:
    """The present rank of a task, and the one for a place in its project.

    Raises NotFound for a task beside it that is not in the project, TaskIsTrashed or TaskIsArchived.
    """
    old = present_rank(task_id, task, context)
    if placement.former is not None:
        return Change(old, _former_rank(task_id, task, placement.former.rank, old, context))
    if placement.beside is None:
        return Change(old, context.new_rank(is_first=placement.place == "top"))
    ranks = context(Ranks, ranks_stream_id(task.project_id)) or Ranks()
    beside = require_found(context(Task, placement.beside))
    require_found(beside.project_id == task.project_id or None)
    if beside.trashed:
        raise TaskIsTrashed
    if beside.archived:
        raise TaskIsArchived
    rank, others = ranks.current_rank(placement.beside, beside.rank), ranks.without_task(old, task_id)
    return Change(old, others.rank_before(rank) if placement.place == "before" else others.rank_after(rank))


def _former_rank(task_id: UUID, task: Task, rank: str, present: str, context: DecisionContext) -> str:
    """The rank that a task had; in a gap, where another one may have it by now, a free one."""
    if rank == task.rank:
        return present
    if not split_rank(rank)[1]:
        return rank
    ranks = context(Ranks, ranks_stream_id(task.project_id)) or Ranks()
    return ranks.without_task(present, task_id).free_rank_at(rank)


def present_rank(task_id: UUID, task: Task, context: DecisionContext) -> str:
    """The rank of a task; one in a gap may be another one since it was taken."""
    if not split_rank(task.rank)[1]:
        return task.rank
    return (context(Ranks, ranks_stream_id(task.project_id)) or Ranks()).current_rank(task_id, task.rank)


def take_rank(
    task_id: UUID, project_id: UUID, ranked: Change[str], context: DecisionContext
) -> Iterator[OtherStreamEvent]:
    """What the project's rank stream has to know of a task that changes its rank: only of ranks in gaps."""
    stream = ranks_stream_id(project_id)
    left, taken = (rank if split_rank(rank)[1] else None for rank in (ranked.old, ranked.new))
    if left or taken:
        context(Ranks, stream)
        yield OtherStreamEvent(stream, RankTaken(task_id, Change(left, taken)))
    if taken and len(split_rank(taken)[1]) > MAX_FRACTION_CHARACTERS:
        yield OtherStreamEvent(stream, require_found(context(Ranks, stream)).rebalanced(split_rank(taken)[0]))
