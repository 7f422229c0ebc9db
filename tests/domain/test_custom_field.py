"""What a task keeps of its custom fields in another project, and how its fields change."""

from domain.custom_field import CustomField, FieldOption, FieldValues, TaskFieldSet, carried_values
from domain.event import Change, changed_fields
from tests.examples import (
    CUSTOM_FIELDS,
    CUSTOMER,
    LARGE,
    POINTS,
    PROJECT,
    SIZE,
    SIZES,
    SMALL,
    custom_field,
    fixed_uuid7,
)

VALUES: FieldValues = {
    POINTS.key: 3,
    CUSTOMER.key: "Acme",
    SIZE.key: str(LARGE.id),
    SIZES.key: (str(SMALL.id), str(LARGE.id)),
}
OTHER_LARGE = FieldOption(fixed_uuid7(222), "LARGE")


def test_values_of_fields_of_equal_name_and_type_are_carried() -> None:
    points, customer = custom_field(101, "points", "number"), custom_field(102, "Customer", "url")
    assert carried_values(VALUES, CUSTOM_FIELDS, [points, customer]) == {points.key: 3}
    assert carried_values(VALUES, CUSTOM_FIELDS, CUSTOM_FIELDS) == VALUES
    assert carried_values({}, CUSTOM_FIELDS, CUSTOM_FIELDS) == carried_values(VALUES, CUSTOM_FIELDS, ()) == {}


def test_options_of_equal_name_are_carried() -> None:
    size, sizes = custom_field(101, "Size", "choice", OTHER_LARGE), custom_field(102, "Sizes", "choices", OTHER_LARGE)
    carried = carried_values(VALUES, CUSTOM_FIELDS, [size, sizes])
    assert carried == {size.key: str(OTHER_LARGE.id), sizes.key: (str(OTHER_LARGE.id),)}
    small: list[CustomField] = [custom_field(101, "Size", "choice", FieldOption(fixed_uuid7(223), "Tiny"))]
    assert carried_values(VALUES, CUSTOM_FIELDS, small) == {}


def test_two_fields_of_a_task_are_two_parts_of_it() -> None:
    points, customer = (TaskFieldSet(PROJECT, field.id, Change(None, "x")) for field in (POINTS, CUSTOMER))
    assert changed_fields(points) == {f"fields.{POINTS.id}"}
    assert changed_fields(points).isdisjoint(changed_fields(customer))


def test_an_option_is_found_by_its_id_before_its_name() -> None:
    named_like_an_id = FieldOption(fixed_uuid7(224), str(LARGE.id))
    field = custom_field(101, "Size", "choice", named_like_an_id, LARGE)
    assert field.find_option(str(LARGE.id)) == LARGE
    assert field.find_option("large") == LARGE
    assert field.find_option("huge") is None
