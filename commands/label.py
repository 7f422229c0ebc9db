"""What may be asked of a label."""

from collections.abc import Iterator
from typing import ClassVar
from uuid import UUID

from commands.command import Command, Given, present
from commands.form import Colour
from commands.form import Label as Name
from domain.event import Change
from domain.label import Label, LabelColoured, label_of
from domain.workspace import Workspace


class ColourLabel(Command[Label], frozen=True, kw_only=True):
    """Give a label of a workspace a colour, or none; it may be on no task yet."""

    about: ClassVar = Label
    begins: ClassVar = True

    workspace_id: UUID | None = None
    label: Name | None = None
    colour: Colour | None

    def stream(self) -> UUID | None:
        return label_of(self.workspace_id, self.label) if self.workspace_id and self.label else None

    def workspace(self, state: Label | None, given: Given) -> UUID:
        workspace_id = present(self.workspace_id)
        present(given(Workspace, workspace_id))
        return workspace_id

    def decide(self, state: Label | None, given: Given) -> Iterator[LabelColoured]:
        before = state.colour if state else None
        colour = self.colour and self.colour.lower()
        if colour != before:
            yield LabelColoured(present(self.label), Change(before, colour))
