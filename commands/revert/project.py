"""Restoring a project: its name and rules, its columns and custom fields, and its place in the archive or the trash."""

from collections.abc import Iterator, Sequence
from typing import Any, TypeVar, cast

from msgspec import UNSET

from commands.column import ColumnSpec, SetColumns
from commands.command import DecisionContext, OtherStreamEvent, require_found
from commands.custom_field import FieldSpec, OptionSpec, SetFields
from commands.project import ArchiveProject, EditProject, RestoreProject
from commands.revert.restoration import Restoration, carry_out
from commands.trash import TrashProject
from domain.column import Column
from domain.custom_field import CustomField
from domain.project import Project

N = TypeVar("N", bound=Column | CustomField)


def bring_back(restoration: Restoration, context: DecisionContext) -> Iterator[OtherStreamEvent]:
    """Out of the trash or the archive; with the columns and custom fields that tasks may go back to."""
    stream, values, wanted = restoration.stream, restoration.values, cast("Project", restoration.wanted)
    project = require_found(context(Project, stream))
    if (values.get("trashed") is False and project.trashed) or (values.get("archived") is False and project.archived):
        yield from carry_out(RestoreProject(), stream, context)
    if "columns" in values and _lacks(project.columns, wanted.columns):
        yield from carry_out(_set_columns(_with_present(wanted.columns, project.columns)), stream, context)
    if "fields" in values and _lacks(project.fields, wanted.fields):
        yield from carry_out(_set_fields(_with_present(wanted.fields, project.fields)), stream, context)


def restore_fields(restoration: Restoration, context: DecisionContext) -> Iterator[OtherStreamEvent]:
    """Its name, rules, columns and custom fields."""
    stream, values, wanted = restoration.stream, restoration.values, cast("Project", restoration.wanted)
    if {"name", "archive_after"} & values.keys():
        edit = EditProject(name=values.get("name", UNSET), archive_after=values.get("archive_after", UNSET))
        yield from carry_out(edit, stream, context)
    if {"columns", "wip"} & values.keys():
        yield from carry_out(_set_columns(wanted.columns, wip=wanted.wip), stream, context)
    if "fields" in values:
        yield from carry_out(_set_fields(wanted.fields), stream, context)


def take_away(restoration: Restoration, context: DecisionContext) -> Iterator[OtherStreamEvent]:
    """Into the archive, or the trash; there too, if it was created."""
    stream, wanted = restoration.stream, cast("Project | None", restoration.wanted)
    is_restored = {"trashed", "archived"} & restoration.values.keys()
    if wanted and wanted.archived and is_restored and not require_found(context(Project, stream)).archived:
        yield from carry_out(ArchiveProject(), stream, context)
    if restoration.is_gone or restoration.values.get("trashed"):
        yield from carry_out(TrashProject(), stream, context)


def _lacks(present: Sequence[N], wanted: Sequence[N]) -> bool:
    return not {one.id for one in wanted} <= {one.id for one in present}


def _with_present(wanted: Sequence[N], present: Sequence[N]) -> tuple[N, ...]:
    """What is wanted, then what is there and not wanted: it goes once no task needs it."""
    ids = {one.id for one in wanted}
    return (*wanted, *(one for one in present if one.id not in ids))


def _set_columns(columns: Sequence[Column], **wip: Any) -> SetColumns:
    return SetColumns(columns=tuple(ColumnSpec(one.name, one.id, one.wip_limit, one.done) for one in columns), **wip)


def _set_fields(fields: Sequence[CustomField]) -> SetFields:
    return SetFields(
        fields=tuple(
            FieldSpec(
                field.name, field.type, field.id, tuple(OptionSpec(option.name, option.id) for option in field.options)
            )
            for field in fields
        )
    )
