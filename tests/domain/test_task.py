"""A task: the fold of its events."""

from msgspec.structs import replace

from domain.event import fold
from domain.rank import ordinal_rank
from domain.task import Task, TaskNumbers, TaskNumbersTaken, task_numbers_stream_id
from tests.examples import COMPLETED, CREATED, MOVED, OTHER_PROJECT, PROJECT, RENAMED, REOPENED, TRASHED, WORKSPACE


def test_a_new_task_is_open_and_in_no_trash() -> None:
    assert fold(Task, [CREATED]) == Task(
        WORKSPACE, PROJECT, "HOME-1", "Buy milk", "todo", "", "none", None, (), rank=ordinal_rank(1), status="open"
    )


def test_each_event_changes_what_it_says() -> None:
    task = fold(Task, [CREATED, RENAMED, COMPLETED, MOVED, TRASHED])
    assert task
    assert (task.title, task.status, task.column, task.trashed) == ("Buy bread", "done", "doing", True)


def test_a_reopened_task_is_as_it_was_but_for_where_it_was_completed() -> None:
    task = fold(Task, [CREATED])
    assert task
    assert fold(Task, [CREATED, COMPLETED, REOPENED]) == replace(task, completed_from="todo")


def test_the_last_number_given_out_counts() -> None:
    assert fold(TaskNumbers, [TaskNumbersTaken(1, 1), TaskNumbersTaken(7, 7)]) == TaskNumbers(7)


def test_projects_count_apart_on_streams_that_no_client_can_name() -> None:
    assert task_numbers_stream_id(PROJECT) != task_numbers_stream_id(OTHER_PROJECT)
    assert task_numbers_stream_id(PROJECT).version == 5


def test_the_last_block_is_the_state_of_the_numbers() -> None:
    """The promise of `is_last_event_enough`: a reader of the last event alone gets the same state."""
    taken = [TaskNumbersTaken(number, number) for number in range(1, 6)]
    assert TaskNumbers.is_last_event_enough
    assert fold(TaskNumbers, taken[-1:]) == fold(TaskNumbers, taken)
