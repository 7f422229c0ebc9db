"""An opened instance: the event log, the command handler and passwords, wired for one CLI command."""

import contextlib
from collections.abc import AsyncIterator

from msgspec import Struct

from cli.database import database_connection, operator_errors
from commands.handling.handler import CommandHandler
from infra.column_counter import ColumnCounter
from infra.database.pool import create_pool
from infra.identity.email_addresses import EmailAddresses
from infra.identity.passwords import Passwords
from infra.log.event_log import EventLog
from infra.messaging import redis_clients
from infra.messaging.subscription import Subscription
from infra.reading.progress import ProjectionProgress
from infra.reading.progress_waiting import ProgressWaiter
from infra.settings import Settings


class OpenInstance(Struct, frozen=True):
    """The parts that a CLI command executes domain commands with."""

    log: EventLog
    command_handler: CommandHandler
    progress_waiter: ProgressWaiter
    passwords: Passwords
    addresses: EmailAddresses


@contextlib.asynccontextmanager
async def open_instance(settings: Settings) -> AsyncIterator[OpenInstance]:
    """Opens the log and the parts built on it; raises OperatorError if PostgreSQL does not answer."""
    url = settings.database_url
    with database_connection(url):
        pass
    async with create_pool(url) as connections:
        log = EventLog(url, connections)
        subscription = Subscription(redis_clients.subscriber_client(settings.redis_url))
        progress = ProjectionProgress(subscription, settings.partitions)
        with operator_errors(url):
            waiter = ProgressWaiter(progress, connections)
            command_handler = CommandHandler(log, ColumnCounter(log, connections, progress, waiter))
            yield OpenInstance(
                log,
                command_handler,
                waiter,
                Passwords(connections),
                EmailAddresses(log, settings.address_key),
            )
