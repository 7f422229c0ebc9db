"""Commands about the custom fields of a project: set them."""

from collections.abc import Iterator, Sequence
from typing import Annotated, Any, ClassVar, TypeVar
from uuid import UUID

from msgspec import Meta, Struct

from commands.command import DecisionContext, OtherStreamEvent
from commands.field_types import Name
from commands.project import ProjectCommand, require_editable_project
from commands.validation import quoted
from domain.custom_field import CustomField, FieldOption, FieldType, find_named
from domain.errors import FieldRepeated, FieldTypeIsFixed, OptionsContradictType, UnknownCustomField
from domain.event import Change, Event
from domain.label import normalize_label
from domain.project import Project, ProjectFieldsSet

MAX_FIELDS_PER_PROJECT, MAX_OPTIONS_PER_FIELD = 50, 50
"""Per project; per field."""
_CHOICE_TYPES = {"choice", "choices"}
_EXAMPLE = [{"name": "Size", "type": "choice", "options": ["Small", "Large"]}, {"name": "Points", "type": "number"}]
K = TypeVar("K", CustomField, FieldOption)


class OptionSpec(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """An option as requested: one that the field has, by its id or name, or a new one."""

    name: Name
    id: UUID | None = None


Options = Annotated[
    tuple[OptionSpec | Name, ...],
    Meta(
        max_length=MAX_OPTIONS_PER_FIELD,
        description="Of a choice: its options in order. A text is the name of an option.",
        examples=[["Small", "Large"]],
    ),
]


class FieldSpec(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A custom field as requested: one that the project has or had, by its id or name, or a new one."""

    name: Name
    type: FieldType
    id: UUID | None = None
    options: Options = ()

    @property
    def option_specs(self) -> tuple[OptionSpec, ...]:
        """The options, each with a name and perhaps an id."""
        return tuple(OptionSpec(one) if isinstance(one, str) else one for one in self.options)


class SetFields(ProjectCommand, frozen=True, kw_only=True):
    """Set the custom fields of the tasks of a project, in order.

    A field that is left out is no longer shown, and its id brings it back with the values that tasks have. The type of
    a field never changes.
    """

    requires_version: ClassVar = True

    fields: Annotated[tuple[FieldSpec, ...], Meta(max_length=MAX_FIELDS_PER_PROJECT, examples=[_EXAMPLE])]

    def decide(self, state: Project | None, context: DecisionContext) -> Iterator[Event | OtherStreamEvent]:
        project = require_editable_project(state)
        fields = _resolve_fields(self.fields, project, context)
        if fields != project.fields:
            yield ProjectFieldsSet(Change(project.fields, fields))


def _resolve_fields(specs: Sequence[FieldSpec], project: Project, context: DecisionContext) -> tuple[CustomField, ...]:
    """The fields with their ids; raises UnknownCustomField, FieldTypeIsFixed, FieldRepeated, OptionsContradictType."""
    _require_distinct(specs)
    given_ids = {spec.id for spec in specs}
    unclaimed = [field for field in project.fields if field.id not in given_ids]
    resolved = list[CustomField]()
    for place, spec in enumerate(specs):
        known = _find_known(spec, (*project.fields, *project.former_fields), unclaimed)
        if known is not None and known.type != spec.type:
            raise _at(FieldTypeIsFixed(field=spec.name, type=known.type), place, "type")
        if bool(spec.options) != (spec.type in _CHOICE_TYPES):
            raise _at(OptionsContradictType(field=spec.name, type=spec.type), place, "options")
        options = _resolve_options(spec.option_specs, project, known, context)
        resolved.append(CustomField(known.id if known else context.new_id(), spec.name, spec.type, options))
    return tuple(resolved)


def _resolve_options(
    specs: Sequence[OptionSpec], project: Project, field: CustomField | None, context: DecisionContext
) -> tuple[FieldOption, ...]:
    """The options with their ids: known ones of the field, by id or name, and new ones."""
    _require_distinct(specs)
    given_ids = {spec.id for spec in specs}
    options = field.options if field else ()
    unclaimed = [option for option in options if option.id not in given_ids]
    known = [_find_known(spec, (*options, *(project.former_options if field else ())), unclaimed) for spec in specs]
    return tuple(
        FieldOption(one.id if one else context.new_id(), spec.name) for spec, one in zip(specs, known, strict=True)
    )


def _find_known(spec: FieldSpec | OptionSpec, known: Sequence[K], unclaimed: Sequence[K]) -> K | None:
    """The one of that id, or of that name that no other claims by its id; raises UnknownCustomField."""
    if spec.id is None:
        return find_named(unclaimed, spec.name)
    found = next((one for one in known if one.id == spec.id), None)
    if found is None:
        raise UnknownCustomField(f"The project has no field or option {quoted(str(spec.id))}.", id=spec.id)
    return found


def _require_distinct(specs: Sequence[FieldSpec] | Sequence[OptionSpec]) -> None:
    """Raise FieldRepeated."""
    ids = [spec.id for spec in specs if spec.id is not None]
    names = [normalize_label(spec.name) for spec in specs]
    for values in (ids, names):
        if len(set(values)) < len(values):
            raise FieldRepeated


def _at(refusal: Any, place: int, member: str) -> Any:
    """The refusal, with the member of the body that it is about."""
    refusal.pointer = f"#/fields/{place}/{member}"
    return refusal
