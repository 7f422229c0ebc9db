"""The values of custom fields: what is stored for what is sent, and what is refused, by type."""

from typing import Any

import pytest
from hypothesis import strategies as st

from commands.custom_field_values import (
    MAX_FIELD_NUMBER,
    MAX_FIELD_TEXT_CHARACTERS,
    MAX_FIELD_URL_CHARACTERS,
)
from commands.handling.command_on import CommandOn
from commands.task import CreateTask, EditTask
from domain.custom_field import CustomField, TaskFieldSet
from domain.errors import FieldRepeated, FieldValueInvalid, UnknownCustomField
from domain.event import Change, Event, fold
from domain.member import Member, member_stream_id
from domain.project import ProjectFieldsSet
from domain.task import Task, TaskCreated
from tests.examples import (
    ADA,
    BOB,
    CUSTOM_FIELDS,
    CUSTOMER,
    DELIVERY,
    FIELDS_SET,
    LARGE,
    OTHER_TASK,
    PAID,
    POINTS,
    POINTS_SET,
    PROJECT,
    REVIEWER,
    SITE,
    SIZE,
    SIZES,
    SMALL,
    TASK,
    WORKSPACE,
    member,
    project,
    task,
    workspace,
)
from tests.given import EventHistory, Given, given
from tests.law import law
from tests.planted_defects import assert_check_fails

BOTH = (str(SMALL.id), str(LARGE.id))
STORED: list[tuple[CustomField, Any, Any]] = [
    (CUSTOMER, "Acme & Söhne", "Acme & Söhne"),
    (POINTS, 3, 3),
    (POINTS, 3.0, 3),
    (POINTS, -0.5, -0.5),
    (POINTS, MAX_FIELD_NUMBER, MAX_FIELD_NUMBER),
    (DELIVERY, "2026-02-28", "2026-02-28"),
    (SIZE, "Large", str(LARGE.id)),
    (SIZE, "LARGE", str(LARGE.id)),
    (SIZE, str(LARGE.id).upper(), str(LARGE.id)),
    (SIZES, ("large",), (str(LARGE.id),)),
    (SIZES, ("Large", "small", "LARGE"), BOTH),
    (REVIEWER, str(BOB.id).upper(), str(BOB.id)),
    (PAID, True, True),
    (PAID, False, False),
    (SITE, "https://example.org:8443/a?b=c#d", "https://example.org:8443/a?b=c#d"),
    (SITE, "HTTP://bücher.example", "HTTP://bücher.example"),
]
INVALID: list[tuple[CustomField, Any]] = [
    (CUSTOMER, 3),
    (CUSTOMER, ""),
    (CUSTOMER, "two\nlines"),
    (CUSTOMER, "nul\x00"),
    (CUSTOMER, "x" * (MAX_FIELD_TEXT_CHARACTERS + 1)),
    (POINTS, "3"),
    (POINTS, True),
    (POINTS, MAX_FIELD_NUMBER + 1),
    (POINTS, float("inf")),
    (POINTS, float("nan")),
    (POINTS, (3,)),
    (DELIVERY, "2026-02-30"),
    (DELIVERY, "2026-W01-1"),
    (DELIVERY, "2026-12-01T10:00:00Z"),
    (DELIVERY, 20261201),
    (SIZE, "Huge"),
    (SIZE, ("Large",)),
    (SIZE, 1),
    (SIZES, "Large"),
    (SIZES, ()),
    (SIZES, ("Large", "Huge")),
    (REVIEWER, "Bob"),
    (REVIEWER, str(TASK)),
    (REVIEWER, 1),
    (PAID, "true"),
    (PAID, 1),
    (SITE, "ftp://example.org"),
    (SITE, "javascript:alert(1)"),
    (SITE, "https://"),
    (SITE, "https:///path"),
    (SITE, "https://exa mple.org"),
    (SITE, "https://example.org:port"),
    (SITE, "https://[::1"),
    (SITE, "https://example.org/" + "x" * MAX_FIELD_URL_CHARACTERS),
    (SITE, "example.org"),
]


def given_task(*later: Event) -> Given:
    return given(workspace(), member(BOB), project(), [(PROJECT, FIELDS_SET)], task(*later))


def edit(version: int = 1, **fields: Any) -> EditTask:
    return EditTask(expected_version=version, fields=fields)


@pytest.mark.parametrize(("field", "sent", "stored"), STORED)
def test_a_value_is_stored_by_its_type(field: CustomField, sent: Any, stored: Any) -> None:
    given_task().when(edit(**{field.name: sent})).then(TaskFieldSet(PROJECT, field.id, Change(None, stored)))
    create = CreateTask(project_id=PROJECT, title="Paint", fields={field.name: sent})
    (*_, (_, created)) = given_task().when(create, on=OTHER_TASK).decision().new_events
    assert isinstance(created, TaskCreated)
    assert created.fields == {field.key: stored}
    assert type(created.fields[field.key]) is type(stored)


@pytest.mark.parametrize(("field", "sent"), INVALID)
def test_a_value_of_another_form_is_refused_with_the_name_of_the_field(field: CustomField, sent: Any) -> None:
    for refusal in (
        given_task()
        .when(edit(**{field.name: sent}))
        .then_refused(FieldValueInvalid, field=field.name, type=field.type),
        given_task()
        .when(CreateTask(project_id=PROJECT, title="Paint", fields={field.name: sent}), on=OTHER_TASK)
        .then_refused(FieldValueInvalid, field=field.name),
    ):
        assert refusal.pointer == f"#/fields/{field.name}"
        assert str(refusal).startswith(f'"{field.name}" ')


_one_edit = st.lists(st.tuples(st.sampled_from(STORED), st.booleans()), max_size=3, unique_by=lambda each: each[0][0])


@law(st.lists(_one_edit, max_size=5), examples=100)
def a_task_has_the_values_that_were_set_last(edits: list[list[tuple[tuple[CustomField, Any, Any], bool]]]) -> None:
    past, expected = (
        EventHistory([*workspace(), *member(BOB), *project(), (PROJECT, FIELDS_SET), *task()]),
        dict[str, Any](),
    )
    for changes in edits:
        sent = {field.name: None if is_removed else value for (field, value, _), is_removed in changes}
        decision = past.decide(CommandOn(TASK, edit(past.version(TASK), **sent)))
        past = EventHistory([*past.facts, *decision.new_events])
        expected |= {field.key: None if is_removed else stored for (field, _, stored), is_removed in changes}
        assert fold(Task, past.events(TASK)) == decision(Task, TASK)
        found = decision(Task, TASK)
        assert found is not None
        assert found.fields == {key: value for key, value in expected.items() if value is not None}


def test_a_task_has_the_values_that_were_set_last() -> None:
    a_task_has_the_values_that_were_set_last()


def test_a_value_that_replaces_those_of_other_fields_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TaskFieldSet, "after_part_change", lambda event, _: {str(event.field_id): event.value.new})
    assert_check_fails(a_task_has_the_values_that_were_set_last)


def test_each_field_that_changes_is_an_event() -> None:
    outcome = given_task(POINTS_SET).when(edit(2, Points=3, Customer="Acme", Paid=None, size="small"))
    outcome.then(
        TaskFieldSet(PROJECT, CUSTOMER.id, Change(None, "Acme")),
        TaskFieldSet(PROJECT, SIZE.id, Change(None, str(SMALL.id))),
    )


def test_null_removes_a_value_and_null_for_all_changes_nothing() -> None:
    given_task(POINTS_SET).when(edit(2, points=None)).then(TaskFieldSet(PROJECT, POINTS.id, Change(3, None)))
    given_task(POINTS_SET).when(EditTask(fields=None, expected_version=2)).then_nothing()
    decision = given_task(POINTS_SET).when(edit(2, points=None)).decision()
    assert decision(Task, TASK).fields == {}  # type: ignore[union-attr]


def test_a_field_is_named_once_and_is_one_of_the_project() -> None:
    given_task().when(edit(Points=1, points=2)).then_refused(FieldRepeated)
    refusal = given_task().when(edit(Cost=1)).then_refused(UnknownCustomField, field="Cost")
    assert refusal.params["fields"] == [field.name for field in CUSTOM_FIELDS]
    left_out = ProjectFieldsSet(Change(CUSTOM_FIELDS, (SIZE,)))
    given(workspace(), project(), [(PROJECT, FIELDS_SET), (PROJECT, left_out)], task()).when(
        edit(Points=1)
    ).then_refused(UnknownCustomField)


def test_a_person_is_asserted_to_be_a_member_still() -> None:
    decision = given_task().when(edit(Reviewer=str(BOB.id))).decision()
    assert decision(Member, member_stream_id(WORKSPACE, BOB.id)) is not None
    given(workspace(), project(), [(PROJECT, FIELDS_SET)], task()).when(edit(Reviewer=str(BOB.id))).then_refused(
        FieldValueInvalid
    )
    given_task().when(edit(Reviewer=str(ADA.id))).then(TaskFieldSet(PROJECT, REVIEWER.id, Change(None, str(ADA.id))))
