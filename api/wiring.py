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

HOT_BYTES = 64 * 2**20
"""Of the answers that a process keeps in memory."""


def wire(settings: Settings, connections: Pool, client: redis.asyncio.Redis) -> Ledger:
    """All parts of one process, not yet opened."""
    log = EventLog(settings.database_url, connections)
    revoked = Revoked(connections)
    channel = Channel(clients.listening_client(settings.redis_url))
    hot: Hot[Snapshot] = Hot(HOT_BYTES)
    projected = Projected(channel, connections, settings.partitions, hot)
    querying, rights = Querying(connections), Rights(log, connections, channel)
    handling = Handling(log)
    return Ledger(
        settings=settings,
        log=log,
        handling=handling,
        counting=Counting(log, handling, connections, projected),
        channel=channel,
        hot=hot,
        querying=querying,
        reading=Reading(connections, querying, Kept(client), projected, hot),
        projected=projected,
        rights=rights,
        ended=Ended(channel, client, rights, connections),
        credentials=Credentials(connections),
        sessions=Sessions(connections, revoked, settings.jwt_key),
        tokens=Tokens(connections, revoked),
        revoked=revoked,
        limits=Limits(client, settings.jwt_key, on=settings.rate_limits == "on"),
        proxies=Proxies(settings.trusted_proxies),
        hints=Hints(broker.broker(settings.broker_url), projected, settings.partitions),
        operating=Operating(connections),
        invitations=Invitations(connections, log),
        mail=Mail(settings),
    )
