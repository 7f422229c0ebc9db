"""Wiring: builds the parts of an API process and connects them."""

import asyncio

import redis.asyncio

from api.connections.stats import ConnectionStats
from api.http.rate_limiting import RequestLimiter
from api.ledger import Ledger
from commands.handling.handler import CommandHandler
from infra.admission import Admission
from infra.blobs.open_store import open_blob_store
from infra.blobs.threads import BlobThreads
from infra.bulk.bulk_runner import BulkRunner
from infra.bulk.bulk_store import BulkStore
from infra.column_counter import ColumnCounter
from infra.database.pool import Pool
from infra.delivery.account_mail import AccountMail
from infra.delivery.mailer import Mailer
from infra.health.readiness import Readiness
from infra.identity.access_log import AccessLog
from infra.identity.email_addresses import EmailAddresses
from infra.identity.invitations import Invitations
from infra.identity.mail_tokens import MailTokens
from infra.identity.passwords import Passwords
from infra.identity.permission_revocations import PermissionRevocations
from infra.identity.permissions import Permissions
from infra.identity.personal_tokens import PersonalTokens
from infra.identity.revocations import RevokedIds
from infra.identity.sessions import Sessions
from infra.identity.sign_in_refusals import SignInRefusals
from infra.identity.trusted_proxies import TrustedProxyList
from infra.log.changes import Changes
from infra.log.event_log import EventLog
from infra.member_names import MemberNameReader
from infra.messaging import broker, redis_clients
from infra.messaging.hints import HintSender
from infra.messaging.subscription import Subscription
from infra.rate_limits.attempts import AttemptLimits
from infra.rate_limits.leases import Leases
from infra.reading.cached_answer import CachedAnswer
from infra.reading.memory_cache import MemoryCache
from infra.reading.progress import ProjectionProgress
from infra.reading.progress_polling import ProgressPoller
from infra.reading.progress_waiting import ProgressWaiter
from infra.reading.reader import Reader
from infra.reading.shared_cache import SharedCache
from infra.reading.tables import ReadTables
from infra.rebuilding.projection_admin import ProjectionAdmin
from infra.settings import Settings
from infra.writer.client import WriterClient
from infra.writer.relaying_handler import RelayingHandler
from infra.writer.role import WriterRole
from infra.writer.server import WriterServer

MAX_MEMORY_CACHE_BYTES = 64 * 2**20
"""Of cached answers per process."""


def wire(settings: Settings, connections: Pool, redis_client: redis.asyncio.Redis, role: WriterRole) -> Ledger:
    """All parts of one process, not yet open."""
    log = EventLog(settings.database_url, connections)
    addresses = EmailAddresses(log, settings.address_key)
    revoked_ids = RevokedIds(connections)
    subscription = Subscription(redis_clients.subscriber_client(settings.redis_url))
    memory_cache: MemoryCache[CachedAnswer] = MemoryCache(MAX_MEMORY_CACHE_BYTES)
    progress = ProjectionProgress(subscription, settings.partitions, memory_cache)
    progress_waiter = ProgressWaiter(progress, connections)
    progress_poller = ProgressPoller(progress, connections)
    mailer, mail_tokens = Mailer(settings), MailTokens(connections)
    is_limited, proxies = settings.rate_limits == "on", TrustedProxyList(settings.trusted_proxies)
    attempt_limits = AttemptLimits(redis_client, settings.jwt_key, is_enabled=is_limited)
    read_tables, permissions = ReadTables(connections), Permissions(log, connections, subscription)
    column_counter = ColumnCounter(log, connections, progress, progress_waiter)
    writer_client = WriterClient(role.path) if role.path else None
    facts = log, column_counter, MemberNameReader(log, read_tables, progress_waiter)
    command_handler = RelayingHandler(writer_client, *facts) if writer_client else CommandHandler(*facts)
    bulk_store = BulkStore(connections)
    hints = HintSender(broker.create_broker(settings.broker_url), progress, settings.partitions)
    access_log = AccessLog(command_handler, hints)
    return Ledger(
        settings=settings,
        admission=Admission(),
        connection_stats=ConnectionStats(),
        log=log,
        command_handler=command_handler,
        writer_client=writer_client,
        writer_server=WriterServer(role.listener, command_handler.handle) if role.listener else None,
        subscription=subscription,
        memory_cache=memory_cache,
        read_tables=read_tables,
        reader=Reader(connections, read_tables, SharedCache(redis_client), progress, memory_cache),
        progress=progress,
        progress_waiter=progress_waiter,
        progress_poller=progress_poller,
        bulk_store=bulk_store,
        bulk_runner=BulkRunner(command_handler, bulk_store),
        pool=connections,
        changes=Changes(connections),
        blobs=BlobThreads(open_blob_store(settings.blobs)),
        readiness=Readiness(connections, progress_poller),
        permissions=permissions,
        permission_revocations=PermissionRevocations(subscription, redis_client, permissions, connections),
        passwords=Passwords(connections),
        sessions=Sessions(connections, revoked_ids, access_log, settings.jwt_keys),
        access_log=access_log,
        sign_in_refusals=SignInRefusals(addresses, access_log),
        tokens=PersonalTokens(connections, revoked_ids),
        revoked_ids=revoked_ids,
        attempt_limits=attempt_limits,
        limiter=RequestLimiter(Leases(redis_client, settings.jwt_key) if is_limited else None, attempt_limits, proxies),
        proxies=proxies,
        hints=hints,
        projection_admin=ProjectionAdmin(connections),
        addresses=addresses,
        invitations=Invitations(connections, log),
        draining=asyncio.Event(),
        mail=mailer,
        mail_tokens=mail_tokens,
        account_mail=AccountMail(log, addresses, mail_tokens, mailer),
    )
