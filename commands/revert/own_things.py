"""Restoring what belongs to one user: saved filters, watches and time entries; and the colour of a label."""

from collections.abc import Iterator
from typing import cast

from msgspec import UNSET

from commands.command import DecisionContext, OtherStreamEvent, require_found
from commands.label import ColourLabel
from commands.revert.restoration import Restoration, carry_out
from commands.saved_filter import DeleteFilter, EditFilter, SaveFilter
from commands.task_tree import for_stream
from commands.time_entry import DeleteTimeEntry, EditTimeEntry
from commands.time_entry import restore_time_entry as restore_entry
from commands.watch import UnwatchProject, UnwatchTask, WatchProject, WatchTask
from domain.errors import NotFound
from domain.label import Label
from domain.saved_filter import SavedFilter
from domain.time_entry import TimeEntry
from domain.watch import TaskWatch, project_watch_stream_id, task_watch_stream_id


def restore_label(restoration: Restoration, context: DecisionContext) -> Iterator[OtherStreamEvent]:
    """Its colour."""
    label = require_found(context(Label, restoration.stream))
    command = ColourLabel(label=label.name, colour=restoration.values["colour"])
    for event in command.decide(label, context):
        yield OtherStreamEvent(restoration.stream, event)


def bring_filter_back(restoration: Restoration, context: DecisionContext) -> Iterator[OtherStreamEvent]:
    """Save a deleted one again; raises NotFound for another's."""
    if restoration.is_back:
        deleted = cast("SavedFilter", restoration.wanted)
        if deleted.user_id != context.actor.user_id:
            raise NotFound
        command = SaveFilter(name=deleted.name, filter=deleted.filter, sort=deleted.sort)
        yield from carry_out(command, restoration.stream, context)


def restore_filter(restoration: Restoration, context: DecisionContext) -> Iterator[OtherStreamEvent]:
    """Its name, filter and sort order; raises NotFound for another's."""
    values = restoration.values
    edit = EditFilter(
        name=values.get("name", UNSET), filter=values.get("filter", UNSET), sort=values.get("sort", UNSET)
    )
    yield from carry_out(edit, restoration.stream, context)


def take_filter_away(restoration: Restoration, context: DecisionContext) -> Iterator[OtherStreamEvent]:
    """Delete it, if it was saved."""
    if restoration.is_gone:
        yield from carry_out(DeleteFilter(), restoration.stream, context)


def bring_time_entry_back(restoration: Restoration, context: DecisionContext) -> Iterator[OtherStreamEvent]:
    """No longer deleted."""
    entry, wanted = require_found(context(TimeEntry, restoration.stream)), cast("TimeEntry", restoration.wanted)
    if restoration.values.get("deleted") is False and entry.deleted:
        context.require_permission("DeleteTimeEntry")
        yield from for_stream(restoration.stream, restore_entry(entry, wanted, context))


def restore_time_entry(restoration: Restoration, context: DecisionContext) -> Iterator[OtherStreamEvent]:
    """Its minutes, day and note."""
    values, wanted = restoration.values, cast("TimeEntry", restoration.wanted)
    if not wanted.deleted:
        edit = EditTimeEntry(
            minutes=values.get("minutes", UNSET), on=values.get("on", UNSET), note=values.get("note", UNSET)
        )
        yield from carry_out(edit, restoration.stream, context)


def take_time_entry_away(restoration: Restoration, context: DecisionContext) -> Iterator[OtherStreamEvent]:
    """Delete it, if it was added or brought back."""
    if restoration.is_gone or restoration.values.get("deleted"):
        yield from carry_out(DeleteTimeEntry(), restoration.stream, context)


def restore_task_watch(restoration: Restoration, context: DecisionContext) -> Iterator[OtherStreamEvent]:
    """Watch again, or no longer; the opposite of a first word. Raises NotFound for another's."""
    task_id, stream = require_found(restoration.subject), restoration.stream
    if task_watch_stream_id(task_id, context.actor.user_id) != stream:
        raise NotFound
    wanted = restoration.values["watching"]
    if wanted is None:
        wanted = not require_found(context(TaskWatch, stream)).watching
    yield from carry_out((WatchTask if wanted else UnwatchTask)(task_id=task_id), stream, context)


def restore_project_watch(restoration: Restoration, context: DecisionContext) -> Iterator[OtherStreamEvent]:
    """Its level; raises NotFound for another's."""
    project_id, level = require_found(restoration.subject), restoration.values["level"]
    if project_watch_stream_id(project_id, context.actor.user_id) != restoration.stream:
        raise NotFound
    command = WatchProject(project_id=project_id, level=level) if level else UnwatchProject(project_id=project_id)
    yield from carry_out(command, restoration.stream, context)
