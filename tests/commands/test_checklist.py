"""Commands on the checklist of a task."""

import pytest

from commands.checklist import MAX_CHECKLIST_ITEMS, CheckItem, ChecklistItemSpec, SetChecklist, UncheckItem
from commands.task import CreateTask
from domain.checklist import ChecklistItemChecked, ChecklistItemUnchecked, ChecklistSet
from domain.errors import ChecklistItemRepeated, NotFound, TaskIsTrashed, VersionRequired
from domain.event import Change, Event
from domain.task import Task, TaskCreated
from tests.examples import CHECKLIST, OTHER_TASK, PROJECT, TASK, TRASHED, fixed_uuid7, project, task, workspace
from tests.given import Given, given

SET = ChecklistSet(Change((), CHECKLIST))
RED, GREEN = CHECKLIST
AS_IT_IS = tuple(ChecklistItemSpec(id=item.id, text=item.text, done=item.done) for item in CHECKLIST)


def given_checklist(*later: Event) -> Given:
    return given(workspace(), project(), task(SET, *later))


def set_to(*items: ChecklistItemSpec) -> SetChecklist:
    return SetChecklist(items=items, expected_version=2)


def test_an_item_without_an_id_gets_one() -> None:
    decision = given_checklist().when(set_to(*AS_IT_IS, ChecklistItemSpec(text="Blue ones"))).decision()
    checklist = decision(Task, TASK).checklist  # type: ignore[union-attr]
    assert checklist[:2] == CHECKLIST
    assert checklist[2].id.version == 7
    assert (checklist[2].text, checklist[2].done) == ("Blue ones", False)


def test_items_are_put_in_order_changed_and_left_out() -> None:
    given_checklist().when(set_to(AS_IT_IS[1])).then(ChecklistSet(Change(CHECKLIST, (GREEN,))))
    given_checklist().when(set_to(*reversed(AS_IT_IS))).then(ChecklistSet(Change(CHECKLIST, (GREEN, RED))))


def test_the_same_checklist_changes_nothing() -> None:
    given_checklist().when(set_to(*AS_IT_IS)).then_nothing()


def test_a_task_is_created_with_a_checklist() -> None:
    create = CreateTask(project_id=PROJECT, title="Shop", checklist=(ChecklistItemSpec(text="Milk", done=True),))
    (*_, (_, created)) = given_checklist().when(create, on=OTHER_TASK).decision().new_events
    assert isinstance(created, TaskCreated)
    assert [(item.text, item.done) for item in created.checklist] == [("Milk", True)]


def test_each_tick_is_an_event() -> None:
    checked, unchecked = ChecklistItemChecked(RED.id, RED.text), ChecklistItemUnchecked(RED.id, RED.text)
    given_checklist().when(CheckItem(item_id=RED.id)).then(checked)
    given_checklist(checked).when(CheckItem(item_id=RED.id)).then_nothing()
    given_checklist(checked).when(UncheckItem(item_id=RED.id)).then(unchecked)
    given_checklist(checked, unchecked).when(UncheckItem(item_id=RED.id)).then_nothing()


@pytest.mark.parametrize("command", [CheckItem, UncheckItem])
def test_an_unknown_item_is_not_found(command: type[CheckItem | UncheckItem]) -> None:
    given_checklist().when(command(item_id=fixed_uuid7(99))).then_refused(NotFound)


def test_an_id_is_one_of_the_tasks_own_and_named_once() -> None:
    given_checklist().when(set_to(ChecklistItemSpec(id=fixed_uuid7(99), text="Mine"))).then_refused(NotFound)
    given_checklist().when(set_to(AS_IT_IS[0], AS_IT_IS[0])).then_refused(ChecklistItemRepeated)


def test_a_version_is_named_where_the_whole_is_set() -> None:
    given_checklist().when(SetChecklist(items=())).then_refused(VersionRequired)


def test_nothing_is_checked_in_the_trash() -> None:
    given_checklist(TRASHED).when(CheckItem(item_id=RED.id)).then_refused(TaskIsTrashed)


def test_there_is_a_most() -> None:
    assert MAX_CHECKLIST_ITEMS == 200
