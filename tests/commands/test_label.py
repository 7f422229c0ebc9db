"""Commands on a label."""

from uuid import UUID

import pytest
from msgspec.structs import replace

from commands.label import ColourLabel
from domain.errors import Forbidden, NotFound, VersionConflict
from domain.event import Change
from domain.label import LabelColoured, label_stream_id
from tests.examples import (
    ADA,
    BOB,
    LABEL_COLOURED,
    OTHER_WORKSPACE,
    PROJECT,
    WORKSPACE,
    Facts,
    member,
    project,
    workspace,
)
from tests.given import given

COLOUR = ColourLabel(workspace_id=WORKSPACE, label="Shop", colour="#cc3300")
RED: Facts = [(label_stream_id(WORKSPACE, "shop"), LABEL_COLOURED)]


def test_a_label_is_coloured_before_any_task_has_it() -> None:
    given(workspace()).when(COLOUR).then(LABEL_COLOURED)


def test_a_colour_is_changed_and_cleared() -> None:
    blue, none = replace(COLOUR, colour="#0033CC"), replace(COLOUR, label="SHOP", colour=None)
    given(workspace(), RED).when(blue).then(LabelColoured("Shop", Change("#cc3300", "#0033cc")))
    given(workspace(), RED).when(none).then(LabelColoured("SHOP", Change("#cc3300", None)))


@pytest.mark.parametrize("written", ["Shop", "shop", "SHOP"])
@pytest.mark.parametrize("colour", ["#cc3300", "#CC3300"])
def test_setting_the_same_colour_writes_nothing(written: str, colour: str) -> None:
    given(workspace(), RED).when(replace(COLOUR, label=written, colour=colour)).then_nothing()


def test_clearing_a_missing_colour_writes_nothing() -> None:
    given(workspace()).when(replace(COLOUR, colour=None)).then_nothing()


def test_a_viewer_colours_nothing() -> None:
    given(workspace(), member(BOB, "viewer")).when(COLOUR, actor=BOB).then_refused(Forbidden, needed="member")


def test_a_non_member_gets_not_found() -> None:
    bobs = workspace(OTHER_WORKSPACE, owner=BOB)
    given(workspace(), bobs).when(COLOUR, actor=BOB).then_refused(NotFound)
    given(workspace(), bobs, RED).when(replace(COLOUR, expected_version=0), actor=BOB).then_refused(NotFound)


@pytest.mark.parametrize("place", [None, PROJECT, OTHER_WORKSPACE])
def test_a_label_of_an_unknown_workspace_is_not_found(place: UUID | None) -> None:
    given(workspace(), project()).when(replace(COLOUR, workspace_id=place)).then_refused(NotFound)


def test_a_stale_version_conflicts_and_reports_the_new_colour() -> None:
    late = replace(COLOUR, colour="#000000", expected_version=0)
    given(workspace(), RED).when(late).then_refused(
        VersionConflict, current_version=1, conflicting_fields=["colour"], rebase_possible=False
    )


def test_equal_labels_of_two_workspaces_are_two_streams() -> None:
    theirs = replace(COLOUR, workspace_id=OTHER_WORKSPACE)
    stream = label_stream_id(OTHER_WORKSPACE, "Shop")
    assert stream != label_stream_id(WORKSPACE, "Shop")
    given(workspace(), RED, workspace(OTHER_WORKSPACE)).when(theirs, on=stream).then(LABEL_COLOURED)


def test_a_label_command_finds_its_stream_in_any_case_and_needs_both_fields() -> None:
    assert (
        COLOUR.derive_target(ADA.id)
        == replace(COLOUR, label="sHOP").derive_target(ADA.id)
        == label_stream_id(WORKSPACE, "SHOP")
    )
    assert replace(COLOUR, label=None).derive_target(ADA.id) is None
    assert replace(COLOUR, workspace_id=None).derive_target(ADA.id) is None
