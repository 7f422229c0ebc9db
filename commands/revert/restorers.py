"""How the state of each kind of stream is restored, in three steps."""

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Final, TypeAlias

from msgspec import Struct

from commands.command import DecisionContext, OtherStreamEvent, require_found
from commands.revert import comment, project, task
from commands.revert.own_things import (
    bring_filter_back,
    bring_time_entry_back,
    restore_filter,
    restore_label,
    restore_project_watch,
    restore_task_watch,
    restore_time_entry,
    take_filter_away,
    take_time_entry_away,
)
from commands.revert.restoration import Restoration
from domain.comment import Comment
from domain.event import State
from domain.label import Label
from domain.project import Project
from domain.revert import ChangeReapplied, ChangeReverted, Revert
from domain.saved_filter import SavedFilter
from domain.task import Task
from domain.time_entry import TimeEntry
from domain.watch import ProjectWatch, TaskWatch

Step: TypeAlias = Callable[[Restoration, DecisionContext], Iterator[OtherStreamEvent]]
EXISTENCE_FIELDS: Final = {"trashed", "archived", "deleted"}


def _nothing(_: Restoration, __: DecisionContext) -> Iterator[OtherStreamEvent]:
    yield from ()


class Restorer(Struct, frozen=True):
    """Brings a thing back, then restores its fields, then takes it away: what is away cannot be changed.

    Each needs the permission for `action`, and those of the commands that it carries out.
    """

    action: str
    restore_fields: Step
    bring_back: Step = _nothing
    take_away: Step = _nothing


def _mark(restoration: Restoration, context: DecisionContext) -> Iterator[OtherStreamEvent]:
    """A change that had been taken back is in force again, or the reverse."""
    change_id = require_found(context(Revert, restoration.stream)).change_id
    if restoration.values["reverted"]:
        yield OtherStreamEvent(restoration.stream, ChangeReverted(change_id, "revert"))
    else:
        yield OtherStreamEvent(restoration.stream, ChangeReapplied(change_id))


@cache
def restorers() -> Mapping[type[State], Restorer]:
    """By the state that each restores."""
    return {
        Task: Restorer("EditTask", task.restore_fields, task.bring_back, task.take_away),
        Project: Restorer("EditProject", project.restore_fields, project.bring_back, project.take_away),
        Comment: Restorer("EditComment", comment.restore_fields, comment.bring_back, comment.take_away),
        TimeEntry: Restorer("EditTimeEntry", restore_time_entry, bring_time_entry_back, take_time_entry_away),
        SavedFilter: Restorer("EditFilter", restore_filter, bring_filter_back, take_filter_away),
        Label: Restorer("ColourLabel", restore_label),
        TaskWatch: Restorer("WatchTask", restore_task_watch),
        ProjectWatch: Restorer("WatchProject", restore_project_watch),
        Revert: Restorer("RevertChange", _mark),
    }
