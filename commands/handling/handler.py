"""The command handler: decide, append if everything that was read still holds, else load and decide again."""

import asyncio
import contextlib
import random
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Protocol
from uuid import UUID

from msgspec.structs import replace

from commands.column_removal import MAX_MOVED_TASKS
from commands.handling import each, lane, loader, results
from commands.handling.append import WrongExpectedVersion
from commands.handling.column_tasks import ColumnTasksKey, ColumnTasksNotLoaded
from commands.handling.command_on import CommandOn
from commands.handling.conflict import StaleCommand
from commands.handling.each import EachOutcome
from commands.handling.group import DecisionOutcome
from commands.handling.idempotency import IdempotentReplay
from commands.handling.lane import Lane
from commands.handling.loader import StreamLoader
from commands.handling.member_names import MemberNames, MemberNamesNotLoaded
from commands.handling.missing_counts import MAX_COUNT_ATTEMPTS, ColumnCounts, MissingCounts
from commands.handling.outcome import Committed, DryRunOutcome
from commands.handling.request import CommandRequest
from commands.handling.stream_cache import NotLoaded, StreamCache, StreamState
from domain.column import ColumnTasks
from domain.errors import ColumnNotCounted, KeyReused, Refusal, TooBusy, TwinInFlight, VersionConflict
from domain.event import Actor, RecordedEvent
from domain.task import Task

MAX_ATTEMPTS = 12

Histories = Mapping[UUID, Sequence[RecordedEvent]]


class EventStore(lane.EventAppender, loader.StateReader, Protocol):
    """The event log, as the command handler needs it."""

    async def load_streams(self, ids: Collection[UUID]) -> Histories:
        """All events of these streams, in order; none for a new stream."""


class CommandHandler:
    """Carries out commands. The commands of one request are written together or not at all."""

    def __init__(
        self, log: EventStore, column_counts: ColumnCounts | None = None, member_names: MemberNames | None = None
    ) -> None:
        """Without `column_counts`, a command that enters a column not counted yet is refused: ColumnNotCounted.

        A column that is removed is taken for empty then. Without `member_names`, no text mentions a member.
        """
        self._log = log
        self._missing_counts = MissingCounts(log, column_counts, self.handle) if column_counts else None
        self._column_counts = column_counts
        self._member_names = member_names
        self._cache = StreamCache()
        self._lane = Lane(log, self._cache)
        self._loader = StreamLoader(log, self._cache)
        self._keys_in_flight: set[tuple[UUID, str]] = set()

    async def handle(self, request: CommandRequest) -> Committed:
        """Decide and append; a race lost by a command that names no version is run again, with jitter.

        So is one lost by a command that may be rebased, if others changed other fields. If its keys were used before,
        the stored outcome is returned and nothing is written; the caller checks whether the actor may still see it.
        Raises the Refusal of the rule, KeyReused if a key belongs to another request, TwinInFlight if the same
        request is still being carried out.
        """
        if request.is_dry_run:
            raise ValueError("a dry run goes through dry_run")
        failed_counts = 0
        while True:
            try:
                if request.idempotency_keys:
                    return await self._handle_with_keys(request)
                return _build_committed(request, await self._decide_until_current(request))
            except ColumnNotCounted as missing:
                failed_counts = await self._write_count(missing, failed_counts)

    async def carry_out_each(self, request: CommandRequest) -> EachOutcome:
        """Carry out each command on its own, or try it: a refused one is left out, the others are written together.

        A request with a key is carried out once; its outcome is stored with it. Raises what `handle` raises but for
        refusals of the rules.
        """
        request, failed_counts = replace(request, skips_refused=True), 0
        await self._load_targets(request.commands)
        while True:
            try:
                outcome = await self._decide_until_current(request)
            except IdempotentReplay as replay:
                (stored,) = replay.outcomes.values()
                return each.decode(stored)
            except ColumnNotCounted as missing:
                if request.is_dry_run and self._missing_counts:
                    request = await self._missing_counts.assume(request, missing)
                else:
                    failed_counts = await self._write_count(missing, failed_counts)
            else:
                return each.from_decision(outcome.decision, outcome.position)

    async def dry_run(self, request: CommandRequest) -> DryRunOutcome:
        """Decide and assert what was read, but write nothing. Idempotency keys are ignored.

        Raises what `handle` would raise.
        """
        request = replace(request, is_dry_run=True)
        while True:
            try:
                outcome = await self._decide_until_current(request)
            except ColumnNotCounted as missing:
                if self._missing_counts is None:
                    raise
                request = await self._missing_counts.assume(request, missing)
            else:
                planned_events = tuple(outcome.decision.planned_events())
                return DryRunOutcome(
                    results.from_decision(request.commands, outcome.decision), outcome.position, planned_events
                )

    @contextlib.contextmanager
    def lock_keys(self, actor: Actor, keys: Iterable[str]) -> Iterator[None]:
        """Lock these keys of the actor in this process; raises TwinInFlight if one is locked."""
        names = {(actor.id, key) for key in keys}
        if names & self._keys_in_flight:
            raise TwinInFlight
        self._keys_in_flight |= names
        try:
            yield
        finally:
            self._keys_in_flight -= names

    async def _load_targets(self, commands: Sequence[CommandOn]) -> None:
        """Load the targets that are not cached together: a decision asks for one at a time."""
        for kind in {one.command.state_type for one in commands}:
            targets = [one.target for one in commands if one.command.state_type is kind]
            cached = ((target, self._cache.get(target)) for target in targets)
            if missing := [target for target, known in cached if known is None or kind not in known.states]:
                await self._loader.load(NotLoaded(kind, *missing))

    async def _write_count(self, missing: ColumnNotCounted, failed_counts: int) -> int:
        """Write a count that a request lacks; returns how often that failed. Raises the refusal if it is too often."""
        if self._missing_counts is None:
            raise missing
        failed_counts += not await self._missing_counts.write(missing)
        if failed_counts == MAX_COUNT_ATTEMPTS:
            raise await self._missing_counts.refusal(missing) from missing
        return failed_counts

    async def _handle_with_keys(self, request: CommandRequest) -> Committed:
        with self.lock_keys(request.actor, [key.text for key in request.idempotency_keys]):
            try:
                return _build_committed(request, await self._decide_until_current(request))
            except IdempotentReplay as replay:
                return _build_replay(request, replay)

    async def _decide_until_current(self, request: CommandRequest) -> DecisionOutcome:
        """A decision on the current state of all that it read, without a refusal."""
        lost_races = 0
        while True:
            intervening_streams = len(request.intervening)
            try:
                outcome = await self._decide_and_append(request)
                if outcome.refusal is None:
                    return outcome
                request = await self._raise_or_rebase(request, outcome.refusal)
            except WrongExpectedVersion as race:
                await self._reload_targets(request.commands, race)
            if len(request.intervening) > intervening_streams:
                continue  # one more stream is merged: no race is lost twice yet
            lost_races += 1
            if lost_races == MAX_ATTEMPTS:
                raise TooBusy
            await asyncio.sleep(random.uniform(0, 0.001 * 2**lost_races))  # noqa: S311 - jitter, no secret

    async def _decide_and_append(self, request: CommandRequest) -> DecisionOutcome:
        while True:
            try:
                return await self._lane.submit(request)
            except NotLoaded as missing:
                await self._loader.load(missing)
            except ColumnTasksNotLoaded as missing:
                found = await self._list_column_tasks(missing.key)
                request = replace(request, column_tasks={**request.column_tasks, missing.key: found})
            except MemberNamesNotLoaded as missing:
                names = await self._member_names.names_in(missing.workspace_id) if self._member_names else {}
                request = replace(request, member_names={**request.member_names, missing.workspace_id: names})

    async def _list_column_tasks(self, key: ColumnTasksKey) -> ColumnTasks:
        """The tasks of a column or board; their streams are loaded together, as a decision asks for one at a time."""
        if self._column_counts is None:
            return ColumnTasks()
        tasks = await self._column_counts.list_tasks(key.project_id, key.column_id, key.status)
        if key.status or tasks.total <= MAX_MOVED_TASKS:
            await self._loader.load(NotLoaded(Task, *tasks.ids))
        return tasks

    async def _reload_targets(self, commands: Sequence[CommandOn], race: WrongExpectedVersion) -> None:
        """Load targets that were taken for new; other stale streams left the cache, and are loaded when read."""
        for command_on in commands:
            if command_on.command.creates and command_on.target in race.streams:
                await self._loader.load(NotLoaded(command_on.command.state_type, command_on.target))

    async def _raise_or_rebase(self, request: CommandRequest, refusal: Refusal) -> CommandRequest:
        """Raise the refusal; a conflict only unless more has happened since, or the request can be merged."""
        if not isinstance(refusal, VersionConflict):
            raise refusal
        stale: StaleCommand = refusal.stale_command
        history = (await self._log.load_streams([stale.stream]))[stale.stream]
        while stale.is_current(history):
            try:
                conflict = stale.explained_refusal(history)
            except NotLoaded as missing:
                await self._loader.load(missing)
                continue
            if request.can_rebase and conflict.params["rebase_possible"]:
                return replace(request, intervening={**request.intervening, stale.stream: stale.intervening(history)})
            conflict.command_index = refusal.command_index
            raise conflict
        self._cache.set_unless_older(stale.stream, StreamState.from_history(history, []))
        return request


def _build_committed(request: CommandRequest, outcome: DecisionOutcome) -> Committed:
    """A position that includes it: if it changed nothing, the end of the log then, which includes what it found."""
    return Committed(
        results.from_decision(request.commands_to_write, outcome.decision),
        outcome.position,
        bool(outcome.decision.new_events),
    )


def _build_replay(request: CommandRequest, replay: IdempotentReplay) -> Committed:
    """The outcome of the first time: stored under one key, or under one for each command."""
    if any(
        key.text in replay.outcomes and not key.belongs_to(replay.outcomes[key.text].fingerprint)
        for key in request.idempotency_keys
    ):
        raise KeyReused
    outcomes = [
        replay.outcomes[key.text]
        for key in request.idempotency_keys
        if key.command_index is None and key.text in replay.outcomes
    ]
    if not outcomes:
        if {key.command_index for key in request.idempotency_keys if key.text in replay.outcomes} != set(
            range(len(request.commands))
        ):
            raise KeyReused
        by_command = sorted(
            (key.command_index or 0, key.text) for key in request.idempotency_keys if key.command_index is not None
        )
        outcomes = [replay.outcomes[text] for _, text in by_command]
    command_results = tuple(result for one in outcomes for result in results.decode(one.outcome))
    return Committed(
        command_results,
        max(one.position for one in outcomes),
        is_replay=True,
        workspace_ids={one.workspace_id for one in outcomes if one.workspace_id},
    )
