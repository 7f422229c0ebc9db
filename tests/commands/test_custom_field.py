"""Commands on the custom fields of a project."""

from typing import Any

import pytest

from commands.custom_field import FieldSpec, OptionSpec, SetFields
from domain.custom_field import CustomField
from domain.errors import (
    FieldRepeated,
    FieldTypeIsFixed,
    OptionsContradictType,
    ProjectIsArchived,
    UnknownCustomField,
    VersionRequired,
)
from domain.event import Change, Event
from domain.project import MAX_FORMER_FIELDS, Project, ProjectArchived, ProjectFieldsSet
from tests.examples import (
    CUSTOM_FIELDS,
    FIELDS_SET,
    LARGE,
    POINTS,
    PROJECT,
    SIZE,
    SMALL,
    custom_field,
    fixed_uuid7,
    project,
    workspace,
)
from tests.given import Given, given

AS_THEY_ARE = tuple(
    FieldSpec(field.name, field.type, field.id, tuple(OptionSpec(one.name, one.id) for one in field.options))
    for field in CUSTOM_FIELDS
)


def given_fields(*later: Event) -> Given:
    return given(workspace(), project(), [(PROJECT, event) for event in (FIELDS_SET, *later)])


def set_to(*fields: FieldSpec, version: int = 2) -> SetFields:
    return SetFields(fields=fields, expected_version=version)


def fields_after(start: Given, *fields: FieldSpec, version: int = 2) -> tuple[CustomField, ...]:
    """The fields that the project has then."""
    state = start.when(set_to(*fields, version=version)).decision()(Project, PROJECT)
    assert state is not None
    return state.fields


def test_a_new_field_and_new_options_get_ids() -> None:
    found = fields_after(
        given(workspace(), project()), FieldSpec("Size", "choice", options=("S", OptionSpec("L"))), version=1
    )
    (size,) = found
    assert (size.name, size.type, [option.name for option in size.options]) == ("Size", "choice", ["S", "L"])
    assert {each.version for each in (size.id, *(option.id for option in size.options))} == {7}
    assert len({size.id, *(option.id for option in size.options)}) == 3


def test_the_same_fields_change_nothing() -> None:
    given_fields().when(set_to(*AS_THEY_ARE)).then_nothing()
    by_name = (FieldSpec(field.name.upper(), field.type, options=field.option_specs) for field in AS_THEY_ARE)
    assert [field.id for field in fields_after(given_fields(), *by_name)] == [field.id for field in CUSTOM_FIELDS]


def test_fields_are_renamed_reordered_and_left_out() -> None:
    renamed = CustomField(POINTS.id, "Story points", "number")
    given_fields().when(set_to(AS_THEY_ARE[3], FieldSpec("Story points", "number", POINTS.id))).then(
        ProjectFieldsSet(Change(CUSTOM_FIELDS, (SIZE, renamed)))
    )


def test_options_are_renamed_reordered_and_left_out() -> None:
    spec = FieldSpec("Size", "choice", SIZE.id, (OptionSpec("Big", LARGE.id), "Huge"))
    (size,) = fields_after(given_fields(), spec)
    assert [(option.id == LARGE.id, option.name) for option in size.options] == [(True, "Big"), (False, "Huge")]
    assert size.options[1].id != SMALL.id


@pytest.mark.parametrize("spec", [FieldSpec("Points", "text", POINTS.id), FieldSpec("points", "text")])
def test_a_type_never_changes(spec: FieldSpec) -> None:
    refusal = given_fields().when(set_to(AS_THEY_ARE[3], spec)).then_refused(FieldTypeIsFixed, type="number")
    assert refusal.pointer == "#/fields/1/type"


def test_a_field_that_was_left_out_comes_back_by_its_id_and_not_by_its_name() -> None:
    without = given_fields(ProjectFieldsSet(Change(CUSTOM_FIELDS, (SIZE,))))
    (again,) = fields_after(without, FieldSpec("Points", "number", POINTS.id), version=3)
    assert again == POINTS
    (other,) = fields_after(without, FieldSpec("Points", "text"), version=3)
    assert other.id != POINTS.id
    without.when(set_to(FieldSpec("Points", "text", POINTS.id), version=3)).then_refused(FieldTypeIsFixed)


def test_an_option_that_was_left_out_comes_back_by_its_id() -> None:
    small_only = CustomField(SIZE.id, "Size", "choice", (SMALL,))
    without = given_fields(ProjectFieldsSet(Change(CUSTOM_FIELDS, (small_only,))))
    spec = FieldSpec("Size", "choice", SIZE.id, (OptionSpec("Small"), OptionSpec("Large", LARGE.id)))
    (size,) = fields_after(without, spec, version=3)
    assert size == SIZE


@pytest.mark.parametrize(
    ("fields", "refusal"),
    [
        ([FieldSpec("Cost", "number", fixed_uuid7(999))], UnknownCustomField),
        ([FieldSpec("Size", "choice", SIZE.id, (OptionSpec("S", fixed_uuid7(999)),))], UnknownCustomField),
        ([FieldSpec("Cost", "choice", options=(OptionSpec("S", SMALL.id),))], UnknownCustomField),
        ([FieldSpec("Cost", "number"), FieldSpec("COST", "text")], FieldRepeated),
        ([FieldSpec("Cost", "number", POINTS.id), FieldSpec("Price", "number", POINTS.id)], FieldRepeated),
        ([FieldSpec("Cost", "choice", options=("S", "s"))], FieldRepeated),
        ([FieldSpec("Cost", "choice")], OptionsContradictType),
        ([FieldSpec("Cost", "number", options=("S",))], OptionsContradictType),
    ],
)
def test_fields_that_contradict_one_another_are_refused(fields: list[FieldSpec], refusal: Any) -> None:
    given_fields().when(set_to(*fields)).then_refused(refusal)


def test_it_names_a_version_and_a_project_in_use() -> None:
    given_fields().when(SetFields(fields=())).then_refused(VersionRequired)
    given_fields(ProjectArchived()).when(set_to(version=3)).then_refused(ProjectIsArchived)


def test_a_project_remembers_the_last_fields_that_were_left_out() -> None:
    fields = tuple(custom_field(1_000 + number, f"Field {number}", "text") for number in range(MAX_FORMER_FIELDS + 5))
    state = Project.evolve(None, project()[1][1])
    for event in (ProjectFieldsSet(Change((), fields)), ProjectFieldsSet(Change(fields, ()))):
        state = Project.evolve(state, event)
    assert state is not None
    assert (state.fields, state.former_fields) == ((), fields[5:])
