"""Carries out bulk changes, one group of tasks after the other; a fault of one task stops no other."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from time import monotonic
from uuid import UUID

import psycopg

from commands.handling.append import OutcomeUnknown
from commands.handling.each import EachOutcome, StoredRefusal
from commands.handling.handler import CommandHandler
from domain.errors import Refusal, TooBusy
from infra.bulk.bulk_change import BulkChange, BulkProgress
from infra.bulk.bulk_store import BulkStore
from infra.logs import logger
from infra.reading.progress import ProjectionBehind

SAVE_INTERVAL_S = 0.25
"""Progress is written at most this often."""
MAX_BUSY_ATTEMPTS, BUSY_PAUSE_S = 5, 0.1
PASSING_ERRORS = (psycopg.OperationalError, psycopg.InterfaceError, OutcomeUnknown, TooBusy, ProjectionBehind)
"""Errors that are not about a task: the change goes on later."""


class BulkRunner:
    """Carries out bulk changes, or tries them."""

    def __init__(self, command_handler: CommandHandler, store: BulkStore) -> None:
        self._command_handler = command_handler
        self._store = store

    async def carry_out(
        self, change: BulkChange, progress: BulkProgress, report: Callable[[BulkProgress], None] = lambda _: None
    ) -> BulkProgress:
        """Carry out the rest of a change, and store its progress; `report` is called with it after each group.

        Ends early if another process has taken the change over. Raises what stops all tasks, such as a lost database.
        """
        saved_at = monotonic()
        async for progress_now in self._run_groups(change, progress, is_dry_run=False):
            progress = progress_now
            report(progress)
            if monotonic() - saved_at > SAVE_INTERVAL_S and progress.done < change.total:
                if not await self._store.save(change, progress):
                    return progress
                saved_at = monotonic()
        await self._store.save(change, progress)
        return progress

    async def dry_run(
        self, change: BulkChange, progress: BulkProgress, report: Callable[[BulkProgress], None]
    ) -> BulkProgress:
        """Try a change that is not stored, each group on the tasks as they are."""
        async for progress_now in self._run_groups(change, progress, is_dry_run=True):
            progress = progress_now
            report(progress)
        return progress

    async def _run_groups(
        self, change: BulkChange, progress: BulkProgress, *, is_dry_run: bool
    ) -> AsyncIterator[BulkProgress]:
        """The progress after each group that remains."""
        for tasks in change.groups.after(progress.done):
            progress = progress.after(tasks, await self._run_group(change, tasks, is_dry_run=is_dry_run))
            yield progress

    async def _run_group(self, change: BulkChange, tasks: Sequence[UUID], *, is_dry_run: bool) -> EachOutcome:
        try:
            return await self._handle(change, tasks, is_dry_run=is_dry_run)
        except PASSING_ERRORS:
            raise
        except Exception as error:  # noqa: BLE001 - it may be about one task alone
            if len(tasks) == 1:
                return EachOutcome((), {0: _refusal_of(tasks[0], error)}, 0)
        alone = [await self._run_group(change, (task,), is_dry_run=is_dry_run) for task in tasks]
        return EachOutcome(
            tuple(place for place, one in enumerate(alone) if one.changed),
            {place: refusal for place, one in enumerate(alone) for refusal in one.refused.values()},
            max(one.position for one in alone),
        )

    async def _handle(self, change: BulkChange, tasks: Sequence[UUID], *, is_dry_run: bool) -> EachOutcome:
        """Raises TooBusy only after several attempts, with pauses."""
        for attempt in range(1, MAX_BUSY_ATTEMPTS):
            try:
                return await self._command_handler.carry_out_each(change.request(tasks, is_dry_run=is_dry_run))
            except TooBusy:
                await asyncio.sleep(BUSY_PAUSE_S * attempt)
        return await self._command_handler.carry_out_each(change.request(tasks, is_dry_run=is_dry_run))


def _refusal_of(task: UUID, error: Exception) -> StoredRefusal:
    if isinstance(error, Refusal):
        return StoredRefusal.of(error)
    logger.opt(exception=error).error("{} cannot be changed in bulk: {}", task, type(error).__name__)
    return StoredRefusal("internal_error")
