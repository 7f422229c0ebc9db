"""Rule commands: what the installation itself does to many items, each by commands of its own."""

import asyncio
from collections.abc import Callable, Sequence
from typing import TypeAlias
from uuid import UUID

import psycopg

from commands.handling.command_on import CommandOn
from commands.handling.handler import CommandHandler
from commands.handling.request import CommandRequest
from domain.errors import Refusal
from domain.event import Trace
from domain.instance import RULE_ACTOR
from infra.database.pool import create_pool
from infra.ids import new_id
from infra.log.event_log import EventLog
from infra.logs import logger

Item: TypeAlias = Sequence[CommandOn]
"""The commands about one item, which the first is on, and what belongs to it."""


class RuleCommands:
    """Carries out the commands of a rule. A fault of one item alone, such as an unreadable event, stops no other."""

    def __init__(
        self,
        database_url: str,
        names: tuple[str, str],
        expected: tuple[type[Refusal], ...],
        announce: Callable[[Item], None] = lambda _: None,
    ) -> None:
        """`names` are those of the rule in events and of what it does in a log message.

        Refusals that are `expected` are not logged. `announce` is called with each item that is done.
        """
        self._url = database_url
        self._cause, self._done = names
        self._expected = expected
        self._announce = announce
        self._stuck: set[UUID] = set()

    def carry_out(self, items: Sequence[Item]) -> list[Item]:
        """The items that were not refused."""
        return asyncio.run(self._carry_out(items))

    async def _carry_out(self, items: Sequence[Item]) -> list[Item]:
        async with create_pool(self._url) as connections:
            command_handler = CommandHandler(EventLog(self._url, connections))
            are_done = await asyncio.gather(*(self._carry_out_one(command_handler, item) for item in items))
        return [item for item, is_done in zip(items, are_done, strict=True) if is_done]

    async def _carry_out_one(self, command_handler: CommandHandler, item: Item) -> bool:
        target = item[0].target
        try:
            await command_handler.handle(
                CommandRequest(item, RULE_ACTOR, new_id(), trace=Trace(causation_id=self._cause))
            )
        except self._expected:
            return False
        except (psycopg.OperationalError, psycopg.InterfaceError):
            raise
        except Exception as error:  # noqa: BLE001 - any error is about this item
            if target not in self._stuck:
                logger.warning("{} cannot be {}: {}: {}", target, self._done, type(error).__name__, error)
            self._stuck.add(target)
            return False
        self._announce(item)
        return True
