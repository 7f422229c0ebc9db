"""Wiring: which parts a process of the API has, and how they know each other."""

import redis.asyncio

from api.ledger import Ledger
from commands.handling.handler import Handling
from infra.column_counts import Counting
from infra.database.pool import Pool
from infra.delivery.mail import Mail
from infra.identity.invitations import Invitations
from infra.identity.passwords import Credentials
from infra.identity.permission_revocations import Ended
from infra.identity.permissions import Rights
from infra.identity.proxies import Proxies
from infra.identity.rate_limits import Limits
from infra.identity.revocations import Revoked
from infra.identity.sessions import Sessions
from infra.identity.tokens import Tokens
from infra.log import EventLog
from infra.messaging import broker, clients
from infra.messaging.hints import Hints
from infra.messaging.subscription import Channel
from infra.reading.cached_answer import Snapshot
from infra.reading.memory_cache import Hot
from infra.reading.progress import Projected
from infra.reading.reader import Reading
from infra.reading.shared_cache import Kept
from infra.reading.tables import Querying
from infra.rebuilding.admin import Operating
from infra.settings import Settings

MAX_MEMORY_CACHE_BYTES = 64 * 2**20
"""Of the answers that a process keeps in memory."""


def wire(settings: Settings, connections: Pool, redis_client: redis.asyncio.Redis) -> Ledger:
    """All parts of one process, not yet opened."""
    log = EventLog(settings.database_url, connections)
    revoked_ids = Revoked(connections)
    subscription = Channel(clients.listening_client(settings.redis_url))
    memory_cache: Hot[Snapshot] = Hot(MAX_MEMORY_CACHE_BYTES)
    progress = Projected(subscription, connections, settings.partitions, memory_cache)
    read_tables, permissions = Querying(connections), Rights(log, connections, subscription)
    command_handler = Handling(log)
    return Ledger(
        settings=settings,
        log=log,
        command_handler=command_handler,
        column_counter=Counting(log, command_handler, connections, progress),
        subscription=subscription,
        memory_cache=memory_cache,
        read_tables=read_tables,
        reader=Reading(connections, read_tables, Kept(redis_client), progress, memory_cache),
        progress=progress,
        permissions=permissions,
        permission_revocations=Ended(subscription, redis_client, permissions, connections),
        passwords=Credentials(connections),
        sessions=Sessions(connections, revoked_ids, settings.jwt_key),
        tokens=Tokens(connections, revoked_ids),
        revoked_ids=revoked_ids,
        rate_limits=Limits(redis_client, settings.jwt_key, on=settings.rate_limits == "on"),
        proxies=Proxies(settings.trusted_proxies),
        hints=Hints(broker.broker(settings.broker_url), progress, settings.partitions),
        projection_admin=Operating(connections),
        invitations=Invitations(connections, log),
        mail=Mail(settings),
    )
