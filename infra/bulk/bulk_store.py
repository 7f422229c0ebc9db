"""The store of bulk changes: what was asked for and how far it is, in the database, so that no death ends one."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct
from psycopg.types.json import Jsonb

from commands.command import all_commands
from domain.event import Actor
from domain.user import TokenScope
from infra.bulk.bulk_change import BulkChange, BulkProgress, RefusedTask, TaskGroups
from infra.database.pool import Pool

BULK_KIND = "bulk"
LEASE_S = 15
"""A change that no process has reported on for so long is taken over."""
_INSERT_SQL = """with operation as (
      insert into read.operations (id, kind, projection, fingerprint, state, done, total, asked_by, began_at, heard_at)
      select %(id)s, %(kind)s, '', '', %(state)s, 0, %(total)s, %(user)s,
        case when %(state)s = 'running' then now() end, case when %(state)s = 'running' then now() end
      returning id
    ) insert into read.bulk_changes (operation, actor, idempotency_key, request, tasks, group_ends,
      selected, refused_count, refused)
    select id, %(actor)s, %(key)s, %(request)s, %(tasks)s, %(group_ends)s, %(selected)s,
      %(refused_count)s, %(refused)s
    from operation"""
_FROM_SQL = "from read.bulk_changes change join read.operations operation on operation.id = change.operation"
_SUMMARY_COLUMNS = """change.operation, operation.asked_by, operation.state, change.selected,
    operation.done, change.changed, change.refused_count, change.refused, change.position"""
_SELECT_SUMMARY_SQL = f"select {_SUMMARY_COLUMNS} {_FROM_SQL} where "
_FIND_SQL = f"""select change.request, change.tasks, change.group_ends, {_SUMMARY_COLUMNS} {_FROM_SQL}
    where change.operation = %s"""
_CLAIM_SQL = f"""update read.operations set state = 'running', began_at = coalesce(began_at, now()), heard_at = now()
    where id = (
      select id from read.operations where kind = '{BULK_KIND}' and (%(id)s::uuid is null or id = %(id)s)
        and (state = 'waiting' or (state = 'running' and heard_at < now() - interval '{LEASE_S} s'))
      order by asked_at limit 1 for update skip locked
    ) returning id"""  # noqa: S608 - our own text
_SAVE_SQL = """with operation as (
      update read.operations set done = %(done)s, heard_at = now(),
        state = case when %(is_over)s then 'done' else state end, ended_at = case when %(is_over)s then now() end
      where id = %(id)s and state = 'running' and done <= %(done)s returning id
    ) update read.bulk_changes change set
      tasks = case when %(is_over)s then '{}' else tasks end,
      group_ends = case when %(is_over)s then '{}' else group_ends end,
      changed = %(changed)s, refused_count = %(refused_count)s,
      refused = case when change.refused_count = %(refused_count)s then refused else %(refused)s end,
      "position" = %(position)s
    from operation where operation.id = change.operation returning true"""
IS_WAITING_SQL = f"""select exists (select from read.operations where kind = '{BULK_KIND}'
    and (state = 'waiting' or (state = 'running' and heard_at < now() - interval '{LEASE_S} s')))"""  # noqa: S608 - as above
"""Whether a change waits for a process that carries it out."""
_FAIL_SQL = """update read.operations set state = 'failed', outcome = %s, ended_at = now() where id = %s"""


class BulkSummary(Struct, frozen=True):
    """What became of a bulk change so far: of those that were `selected`, names that stand for no task are refused."""

    id: UUID
    asked_by: UUID
    state: str
    selected: int
    progress: BulkProgress


class _Request(Struct, frozen=True):
    """What is carried out, and with whose rights."""

    type: str
    data: msgspec.Raw
    actor: Actor
    scope: TokenScope
    correlation_id: UUID | None = None


class BulkStore:
    """Reads and writes bulk changes over a pool."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def add(self, change: BulkChange, progress: BulkProgress, key: str | None, *, is_queued: bool) -> None:
        """Store a new change: queued for a worker, or running here."""
        command = change.command
        request = _Request(
            type(command).__name__,
            msgspec.Raw(msgspec.json.encode(command)),
            change.actor,
            change.scope,
            change.correlation_id,
        )
        await self._write(
            _INSERT_SQL,
            {
                "id": change.id,
                "kind": BULK_KIND,
                "state": "waiting" if is_queued else "running",
                "total": change.total,
                "user": change.actor.user_id,
                "actor": change.actor.id,
                "key": key,
                "request": msgspec.json.encode(request).decode(),
                "tasks": list(change.groups.tasks),
                "group_ends": list(change.groups.ends),
                "selected": change.total + progress.refused_count,
                "refused_count": progress.refused_count,
                "refused": msgspec.json.encode(progress.refused).decode(),
            },
        )

    async def find(self, change_id: UUID) -> tuple[BulkChange, BulkProgress] | None:
        """The change with this id and its progress; None if there is none."""
        row = await self._fetch_one(_FIND_SQL, change_id)
        return (_parse_change(row[3], *row[:3]), _parse_summary(row[3:]).progress) if row else None

    async def find_summary(self, change_id: UUID) -> BulkSummary | None:
        """What became of the change with this id; None if there is none."""
        row = await self._fetch_one(f"{_SELECT_SUMMARY_SQL} change.operation = %s", change_id)
        return _parse_summary(row) if row else None

    async def find_by_key(self, actor: UUID, key: str) -> BulkSummary | None:
        """What became of the change that an actor began under an Idempotency-Key; None if there is none."""
        condition = "change.actor = %s and change.idempotency_key = %s"
        row = await self._fetch_one(f"{_SELECT_SUMMARY_SQL} {condition}", actor, key)
        return _parse_summary(row) if row else None

    async def claim(self, change_id: UUID | None = None) -> UUID | None:
        """Claim the oldest change that waits or was left behind, or only this one; None if there is none to claim."""
        found = await self._write(_CLAIM_SQL, {"id": change_id})
        return found[0][0] if found else None

    async def save(self, change: BulkChange, progress: BulkProgress) -> bool:
        """Record the progress; returns whether the change is still running, and not further than that already."""
        return bool(
            await self._write(
                _SAVE_SQL,
                {
                    "id": change.id,
                    "is_over": progress.done == change.total,
                    "done": progress.done,
                    "changed": progress.changed,
                    "refused_count": progress.refused_count,
                    "refused": msgspec.json.encode(progress.refused).decode(),
                    "position": progress.position,
                },
            )
        )

    async def fail(self, change_id: UUID, error: str) -> None:
        """Record that a change cannot be carried out."""
        await self._write(_FAIL_SQL, (Jsonb({"error": error}), change_id))

    async def _fetch_one(self, sql: str, *parameters: object) -> tuple[Any, ...] | None:
        async with self._pool.connection() as connection:
            return await (await connection.execute(sql.encode(), parameters)).fetchone()

    async def _write(self, sql: str, parameters: Any) -> list[tuple[Any, ...]]:
        async with self._pool.connection() as connection:
            cursor = await connection.execute(sql.encode(), parameters)
            return await cursor.fetchall() if cursor.description else []


def _parse_change(
    change_id: UUID, request: dict[str, Any], tasks: Sequence[UUID], group_ends: Sequence[int]
) -> BulkChange:
    """Raises KeyError or msgspec.ValidationError for a command of another version of the code."""
    asked = msgspec.convert({**request, "data": msgspec.Raw(msgspec.json.encode(request["data"]))}, _Request)
    command = msgspec.json.decode(asked.data, type=all_commands()[asked.type])
    groups = TaskGroups(tuple(tasks), tuple(group_ends))
    return BulkChange(change_id, command, groups, asked.actor, asked.scope, asked.correlation_id)


def _parse_summary(row: Sequence[Any]) -> BulkSummary:
    change_id, asked_by, state, selected, done, changed, refused_count, refused, position = row
    refusals = msgspec.convert(refused, tuple[RefusedTask, ...])
    return BulkSummary(
        change_id, asked_by, state, selected, BulkProgress(done, changed, refused_count, refusals, position)
    )
