"""Ids of what is imported: the same for the same file, in the order of times and numbers."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from cli.import_.history.ids import FileIdentity, ForeignIds
from commands.handling.command_ids import time_of
from tests.examples import PROJECT, WORKSPACE

AT = datetime(2019, 3, 1, 9, 30, 0, 123_000, tzinfo=UTC)
FIRST_EXPORT_ID, NEWER_EXPORT_ID, OTHER_BOARD_ID = (
    FileIdentity("trello", board, content) for board, content in (("b", "1"), ("b", "2"), ("c", "1"))
)


def test_the_id_of_a_project_tells_its_board_and_its_file() -> None:
    project = FIRST_EXPORT_ID.project_id(WORKSPACE, "PAST")
    assert project == FIRST_EXPORT_ID.project_id(WORKSPACE, "PAST")
    others = [NEWER_EXPORT_ID.project_id(WORKSPACE, "PAST"), OTHER_BOARD_ID.project_id(WORKSPACE, "PAST")]
    others += [FIRST_EXPORT_ID.project_id(WORKSPACE, "PAST2"), FIRST_EXPORT_ID.project_id(PROJECT, "PAST")]
    assert len({project, *others}) == 5
    assert {one.version for one in (project, *others)} == {8}
    assert NEWER_EXPORT_ID.is_board_of(project, WORKSPACE, "PAST")
    assert not OTHER_BOARD_ID.is_board_of(project, WORKSPACE, "PAST")


def test_ids_are_in_the_order_of_times_and_numbers() -> None:
    ids = ForeignIds(PROJECT)
    commands = [ids.command_id(AT + timedelta(milliseconds=ms), number) for ms in (0, 1) for number in range(10_000)]
    assert commands == sorted(commands)
    assert {time_of(one) for one in commands} == {AT, AT + timedelta(milliseconds=1)}
    made = [commands[0], commands[-1], ids.new_id("card", "x", AT), ids.new_id("comment", "x", AT)]
    assert [(one.version, one.variant) for one in made] == [(7, UUID(int=0x8 << 60).variant)] * 4
    assert len(set(made)) == 4
    assert ids.new_id("card", "x", AT) == ids.new_id("card", "x", AT)


def test_a_person_is_the_same_in_all_boards_of_a_workspace() -> None:
    assert (
        FIRST_EXPORT_ID.person_id(WORKSPACE, "p")
        == OTHER_BOARD_ID.person_id(WORKSPACE, "p")
        != FIRST_EXPORT_ID.person_id(PROJECT, "p")
    )
