"""A dry run: decided where everybody is, on what stands in the log, and written nowhere."""

import asyncio

import pytest

from commands.handling.append import Key
from commands.handling.decision import Wish
from commands.handling.group import Order
from commands.handling.handler import Handling
from commands.project import CreateProject
from commands.task import CompleteTask, CreateTask, EditTask
from domain.errors import NotFound, VersionConflict, VersionRequired
from domain.event import Event
from domain.task import numbers_of
from tests import defects
from tests.examples import (
    ADA,
    BOB,
    COMMAND,
    COMPLETED,
    OTHER_PROJECT,
    OTHER_TASK,
    PROJECT,
    RENAMED,
    TASK,
    WORKSPACE,
    id7,
    project,
    task,
    workspace,
)
from tests.memory_log import MemoryLog

CREATE = CreateTask(project_id=PROJECT, title="Buy milk")


def on_the_board(*later: Event) -> MemoryLog:
    return MemoryLog([*workspace(), *project(), *task(*later)])


async def tried(handling: Handling, *wishes: Wish, keys: bool = False) -> list[tuple[str, int]]:
    """The events, by name and version."""
    named = [Key("mine", b"")] if keys else []
    done = await handling.handle(Order(wishes, ADA, COMMAND, named, dry=True))
    return [(event.type, event.version) for event in done.events]


async def test_wishes_of_one_call_are_decided_on_what_those_before_them_leave() -> None:
    log = on_the_board()
    both = [Wish(TASK, CompleteTask()), Wish(TASK, EditTask(title="Buy tea", due="2026-12-01", expected_version=2))]
    assert await tried(Handling(log), *both) == [("TaskCompleted", 2), ("TaskRenamed", 3), ("DueDateSet", 4)]
    assert (log.appends, log.written) == (1, 0)


async def test_events_of_guard_streams_are_shown_as_they_are_written() -> None:
    log = on_the_board()
    create = CreateProject(workspace_id=WORKSPACE, name="Garden", key="GAR")
    events = await tried(Handling(log), Wish(OTHER_PROJECT, create), Wish(OTHER_TASK, CREATE))
    assert events == [("ProjectKeyReserved", 1), ("ProjectCreated", 1), ("TaskNumbersTaken", 2), ("TaskCreated", 1)]


async def test_what_changes_nothing_has_no_events() -> None:
    assert await tried(Handling(on_the_board(COMPLETED)), Wish(TASK, CompleteTask())) == []


@pytest.mark.parametrize(
    ("wish", "refusal"),
    [
        (Wish(OTHER_TASK, CompleteTask()), NotFound),
        (Wish(TASK, EditTask(title="Buy tea")), VersionRequired),
        (Wish(TASK, EditTask(title="Buy tea", expected_version=1)), VersionConflict),
    ],
)
async def test_a_rule_says_no_as_it_would(wish: Wish, refusal: type[Exception]) -> None:
    with pytest.raises(refusal):
        await tried(Handling(on_the_board(RENAMED)), wish)


async def test_a_process_that_remembers_an_older_state_does_not_answer_from_memory() -> None:
    log = on_the_board()
    one, other = Handling(log), Handling(log)
    assert await tried(other, Wish(TASK, CompleteTask())) == [("TaskCompleted", 2)]
    await one.handle(Order([Wish(TASK, CompleteTask())], ADA, COMMAND))
    assert await tried(other, Wish(TASK, CompleteTask())) == []


async def test_what_was_tried_is_not_remembered() -> None:
    log = on_the_board()
    handling = Handling(log)
    await tried(handling, Wish(TASK, CompleteTask()), Wish(OTHER_TASK, CREATE))
    done = await handling.handle(Order([Wish(TASK, CompleteTask())], ADA, COMMAND))
    assert (done.changed, log.appends, log.changed) == (True, 2, 0)


async def test_a_key_is_neither_used_nor_heeded() -> None:
    log = on_the_board()
    handling, keys = Handling(log), [Key("mine", b"")]
    assert await tried(handling, Wish(TASK, CompleteTask()), keys=True) == [("TaskCompleted", 2)]
    assert log.keys == {}
    await handling.handle(Order([Wish(TASK, CompleteTask())], ADA, COMMAND, keys))
    assert await tried(handling, Wish(TASK, EditTask(title="Tea", expected_version=2)), keys=True) == [
        ("TaskRenamed", 3)
    ]


async def test_those_who_are_tried_and_those_who_do_ride_together() -> None:
    """Each is decided on what those before it write, and nobody on what was only tried."""
    log = on_the_board()
    handling = Handling(log)
    first, real, then = await asyncio.gather(
        handling.handle(Order([Wish(TASK, CompleteTask())], ADA, COMMAND, dry=True)),
        handling.handle(Order([Wish(TASK, CompleteTask())], ADA, COMMAND)),
        handling.handle(Order([Wish(TASK, CompleteTask())], ADA, COMMAND, dry=True)),
    )
    assert (len(first.events), real.changed, then.events) == (1, True, ())


async def numbers_are_left_for_those_who_create() -> None:
    log = MemoryLog([*workspace(), *project()])
    handling = Handling(log)

    async def create(*numbers: int, dry: bool) -> list[int]:
        calls = (
            handling.handle(Order([Wish(id7(1000 + number), CREATE)], ADA, id7(number), dry=dry)) for number in numbers
        )
        answers = await asyncio.gather(*calls)
        return [event.data["number"] for answer in answers for event in answer.events if event.type == "TaskCreated"]

    assert await create(1, 2, 3, dry=True) == [1, 1, 1]
    await create(1, 2, 3, dry=False)
    taken = log.past.version(numbers_of(PROJECT))
    assert await create(4, 5, dry=True) == [4, 4]
    await create(4, 5, dry=False)
    created = [event for _, event in log.past.facts if type(event).__name__ == "TaskCreated"]
    assert [getattr(event, "number", 0) for event in created] == [1, 2, 3, 4, 5]
    assert log.past.version(numbers_of(PROJECT)) == taken


async def test_numbers_are_left_for_those_who_create() -> None:
    await numbers_are_left_for_those_who_create()


async def test_a_dry_run_that_takes_numbers_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    defects.a_dry_run_that_takes_numbers(monkeypatch)
    await defects.noticed_in_time(numbers_are_left_for_those_who_create)


async def test_a_stranger_learns_nothing() -> None:
    with pytest.raises(NotFound):
        await Handling(on_the_board()).handle(Order([Wish(TASK, CompleteTask())], BOB, COMMAND, dry=True))
