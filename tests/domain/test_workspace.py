"""A workspace: its name, and the number of its owners."""

from domain.event import Change, fold
from domain.workspace import OwnerAppointed, OwnerResigned, Workspace, WorkspaceCreated, WorkspaceRenamed
from tests.examples import BOB

CREATED = WorkspaceCreated("Home")


def test_a_workspace_has_the_name_that_it_was_given_last() -> None:
    assert fold(Workspace, [CREATED]) == Workspace("Home", owners=1)
    assert fold(Workspace, [CREATED, WorkspaceRenamed(Change("Home", "House"))]) == Workspace("House", owners=1)


def test_a_workspace_knows_how_many_own_it() -> None:
    assert fold(Workspace, [CREATED, OwnerAppointed(BOB.id)]) == Workspace("Home", owners=2)
    assert fold(Workspace, [CREATED, OwnerAppointed(BOB.id), OwnerResigned(BOB.id)]) == Workspace("Home", owners=1)
