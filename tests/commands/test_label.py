"""What may be asked of a label."""

from uuid import UUID

import pytest
from msgspec.structs import replace

from commands.label import ColourLabel
from domain.errors import Forbidden, NotFound, VersionConflict
from domain.event import Change
from domain.label import LabelColoured, label_stream_id
from tests.examples import BOB, COLOURED, OTHER_WORKSPACE, PROJECT, WORKSPACE, Facts, member, project, workspace
from tests.given import given

COLOUR = ColourLabel(workspace_id=WORKSPACE, label="Shop", colour="#cc3300")
RED: Facts = [(label_stream_id(WORKSPACE, "shop"), COLOURED)]


def test_a_label_is_coloured_before_any_task_has_it() -> None:
    given(workspace()).when(COLOUR).then(COLOURED)


def test_a_colour_becomes_another_and_goes_again() -> None:
    blue, none = replace(COLOUR, colour="#0033CC"), replace(COLOUR, label="SHOP", colour=None)
    given(workspace(), RED).when(blue).then(LabelColoured("Shop", Change("#cc3300", "#0033cc")))
    given(workspace(), RED).when(none).then(LabelColoured("SHOP", Change("#cc3300", None)))


@pytest.mark.parametrize("written", ["Shop", "shop", "SHOP"])
@pytest.mark.parametrize("colour", ["#cc3300", "#CC3300"])
def test_the_colour_that_it_has_already_is_nothing(written: str, colour: str) -> None:
    given(workspace(), RED).when(replace(COLOUR, label=written, colour=colour)).then_nothing()


def test_no_colour_for_a_label_that_has_none_is_nothing() -> None:
    given(workspace()).when(replace(COLOUR, colour=None)).then_nothing()


def test_a_viewer_colours_nothing() -> None:
    given(workspace(), member(BOB, "viewer")).when(COLOUR, by=BOB).then_refused(Forbidden, needed="member")


def test_a_stranger_finds_no_label_coloured_or_not() -> None:
    bobs = workspace(OTHER_WORKSPACE, owner=BOB)
    given(workspace(), bobs).when(COLOUR, by=BOB).then_refused(NotFound)
    given(workspace(), bobs, RED).when(replace(COLOUR, expected_version=0), by=BOB).then_refused(NotFound)


@pytest.mark.parametrize("place", [None, PROJECT, OTHER_WORKSPACE])
def test_no_label_is_coloured_in_what_is_no_workspace(place: UUID | None) -> None:
    given(workspace(), project()).when(replace(COLOUR, workspace_id=place)).then_refused(NotFound)


def test_who_names_a_version_that_is_not_the_present_one_is_told_of_the_colour_since() -> None:
    late = replace(COLOUR, colour="#000000", expected_version=0)
    given(workspace(), RED).when(late).then_refused(
        VersionConflict, current_version=1, conflicting_fields=["colour"], rebase_possible=False
    )


def test_the_same_label_of_two_workspaces_is_two() -> None:
    theirs = replace(COLOUR, workspace_id=OTHER_WORKSPACE)
    stream = label_stream_id(OTHER_WORKSPACE, "Shop")
    assert stream != label_stream_id(WORKSPACE, "Shop")
    given(workspace(), RED, workspace(OTHER_WORKSPACE)).when(theirs, on=stream).then(COLOURED)


def test_a_command_names_its_stream_in_any_case_of_letters_and_only_where_it_says_enough() -> None:
    assert COLOUR.derive_target() == replace(COLOUR, label="sHOP").derive_target() == label_stream_id(WORKSPACE, "SHOP")
    assert replace(COLOUR, label=None).derive_target() is None
    assert replace(COLOUR, workspace_id=None).derive_target() is None
