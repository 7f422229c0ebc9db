"""What a command id tells: its time, and ids that are the same whenever the command is decided."""

from datetime import UTC, datetime, timedelta

from commands.handling.command_ids import derived_id, time_of
from infra.ids import new_id
from tests.examples import OTHER_TASK, TASK


def test_the_time_of_a_command_is_when_its_id_was_made() -> None:
    assert timedelta() <= datetime.now(UTC) - time_of(new_id()) < timedelta(seconds=5)


def test_derived_ids_are_distinct_uuids_of_version_7() -> None:
    command = new_id()
    ids = [
        derived_id(command, target, version, at) for target in (TASK, OTHER_TASK) for version in (1, 2) for at in (1, 2)
    ]
    assert len({*ids, *(derived_id(new_id(), TASK, 1, 1) for _ in range(9))}) == len(ids) + 9
    assert {(each.version, each.variant, time_of(each)) for each in ids} == {(7, command.variant, time_of(command))}


def test_a_derived_id_is_the_same_each_time() -> None:
    command = new_id()
    assert derived_id(command, TASK, 3, 1) == derived_id(command, TASK, 3, 1)
