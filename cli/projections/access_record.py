"""The record of what an operator does with read models on the command line, which the audit lists."""

import asyncio

from cli.database import operator_errors
from commands.access import AccessCommand, RecordRebuild, RecordRollback
from commands.handling.command_on import CommandOn
from commands.handling.handler import CommandHandler
from commands.handling.request import CommandRequest
from domain.event import Trace
from domain.instance import INSTANCE_STREAM_ID, RULE_ACTOR
from infra.database.pool import create_pool
from infra.ids import new_id
from infra.log.event_log import EventLog

COMMAND_LINE = Trace(causation_id="command line")
"""No user is known there: the actor is the installation."""


def record_rebuild(url: str, projection: str, *, expect_changes: bool) -> None:
    """Record that a rebuild begins; raises OperatorError if PostgreSQL does not answer."""
    _record(url, RecordRebuild(projection=projection, expect_changes=expect_changes))


def record_rollback(url: str, projection: str) -> None:
    """Record a rollback; raises OperatorError if PostgreSQL does not answer."""
    _record(url, RecordRollback(projection=projection))


def _record(url: str, command: AccessCommand) -> None:
    with operator_errors(url):
        asyncio.run(_append(url, command))


async def _append(url: str, command: AccessCommand) -> None:
    async with create_pool(url) as connections:
        request = CommandRequest([CommandOn(INSTANCE_STREAM_ID, command)], RULE_ACTOR, new_id(), trace=COMMAND_LINE)
        await CommandHandler(EventLog(url, connections)).handle(request)
