"""The command that takes changes back."""

from collections.abc import Iterator, Sequence
from hashlib import sha256
from typing import ClassVar
from uuid import UUID

import msgspec

from commands.command import Command, DecisionContext, OtherStreamEvent
from commands.revert.changed_stream import DERIVED_FIELDS, STATE_TYPES, ChangedStream
from commands.revert.report import RevertReport, SkippedFields
from commands.revert.restoration import Restoration, plan_restoration
from commands.revert.restorers import EXISTENCE_FIELDS, restorers
from commands.revert.task_transfer import with_whole_trees
from commands.task_tree import load_tree
from domain.errors import AlreadyReverted, PreviewIsStale, RevertCollides
from domain.event import Change, Event
from domain.project import Project
from domain.revert import ChangeReverted, Revert, RevertPurpose, revert_stream_id
from domain.task import Task
from domain.workspace import Workspace


class RevertChange(Command[Workspace], frozen=True, kw_only=True):
    """Take a change back: what it did to each stream, the last stream first; `command_id` is its own.

    A work session is a change too; the changes in it are `also` taken back. Streams that cannot be are `left_out`.
    With `skips_collisions` the fields that were changed since stay as they are, and the others are restored. With
    `preview` nothing that was previewed may have changed.
    """

    state_type: ClassVar = Workspace
    is_batchable: ClassVar = False
    may_create: ClassVar = True

    command_id: UUID
    change_id: UUID
    also: tuple[UUID, ...] = ()
    workspace_id: UUID | None = None
    changed: tuple[ChangedStream, ...]
    left_out: tuple[UUID, ...] = ()
    purpose: RevertPurpose = "revert"
    skips_collisions: bool = False
    preview: str | None = None

    def derive_target(self, user_id: UUID) -> UUID:
        return self.workspace_id or user_id

    def resolve_workspace_id(self, state: Workspace | None, context: DecisionContext) -> UUID | None:
        return self.workspace_id

    def decide(self, state: Workspace | None, context: DecisionContext) -> Iterator[Event | OtherStreamEvent]:
        self._load_all(context)
        for one in self.changed:
            context.require_permission(restorers()[STATE_TYPES[one.kind]].action)
        restorations = with_whole_trees([plan_restoration(one, context) for one in self.changed], context)
        preview = self._digest(context)
        if self.preview not in {None, preview}:
            raise PreviewIsStale
        skipped = [SkippedFields(one.stream, tuple(one.collisions)) for one in restorations if one.collisions]
        if skipped and not self.skips_collisions:
            raise RevertCollides(collisions=skipped)
        left_out = [SkippedFields(stream, ()) for stream in self.left_out]
        context.report(RevertReport(self.command_id, self.change_id, preview, (*skipped, *left_out)))
        yield from self._mark_reverted(context, is_repeated=any(one.has_effect for one in restorations))
        yield from _restore(restorations, context)

    def _load_all(self, context: DecisionContext) -> None:
        """Read all streams of a kind together."""
        for name in dict.fromkeys(one.kind for one in self.changed):
            context.load_all(STATE_TYPES[name], [one.stream for one in self.changed if one.kind == name])
        context.load_all(Revert, [revert_stream_id(change_id) for change_id in (self.change_id, *self.also)])

    def _mark_reverted(self, context: DecisionContext, *, is_repeated: bool) -> Iterator[OtherStreamEvent]:
        """Mark the change as reverted; once more if there is something to restore again, if it is named.

        Raises AlreadyReverted.
        """
        for change_id in (self.change_id, *self.also):
            stream = revert_stream_id(change_id)
            known = context(Revert, stream)
            if known is None or not known.reverted:
                yield OtherStreamEvent(stream, ChangeReverted(change_id, self.purpose))
            elif self.purpose != "revert":
                raise AlreadyReverted
            elif is_repeated and change_id == self.change_id:
                yield OtherStreamEvent(stream, ChangeReverted(change_id, self.purpose, Change(old=True, new=True)))

    def _digest(self, context: DecisionContext) -> str:
        """Of all that is looked at: the same until one of the streams changes."""
        versions = [(one.stream, context.version(one.stream)) for one in self.changed]
        return sha256(msgspec.json.encode((self.change_id, versions))).hexdigest()[:32]


def _restore(restorations: Sequence[Restoration], context: DecisionContext) -> Iterator[OtherStreamEvent]:
    """Bring back, restore fields, of projects after those of their tasks, then take away.

    What goes with another task goes after that one, which takes it along.
    """
    late = _below_completed(restorations, context)
    for one in restorations:
        if one.stream not in late:
            yield from restorers()[one.state_type].bring_back(one, context)
    for one in sorted(restorations, key=lambda one: one.state_type is Project):
        if _has_fields(one):
            yield from restorers()[one.state_type].restore_fields(one, context)
    for one in restorations:
        if one.stream in late:
            yield from restorers()[one.state_type].bring_back(one, context)
    for one in sorted(restorations, key=lambda one: one.is_taken_along):
        yield from restorers()[one.state_type].take_away(one, context)


def _has_fields(one: Restoration) -> bool:
    return bool(one.values.keys() - EXISTENCE_FIELDS - set(DERIVED_FIELDS.get(one.state_type, ())))


def _below_completed(restorations: Sequence[Restoration], context: DecisionContext) -> set[UUID]:
    """Tasks that only come back, below one that is done again, which then must have no open ones yet."""
    completed = {one.stream for one in restorations if one.values.get("status") == "done"}
    coming_back = [one for one in restorations if isinstance(one.wanted, Task) and not _has_fields(one)]
    if not completed:
        return set()
    return {
        one.stream
        for one in coming_back
        if isinstance(one.wanted, Task)
        and completed & set(load_tree(one.wanted.project_id, context).ancestors_of(one.stream))
    }
