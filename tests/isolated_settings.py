"""The settings of a test that has a database of its own, on the run's servers."""

from uuid import uuid4

from infra.settings import Settings
from tests.examples import ADDRESS_KEY
from tests.servers import Servers


def new_settings(servers: Servers, template: str) -> Settings:
    """Settings of a fresh copy of the migrated template, with the run's Valkeys."""
    url = servers.new_database(template)
    return Settings(
        database_url=servers.application_url(url),
        migration_url=url,
        redis_url=servers.redis_url,
        broker_url=servers.broker_url,
        blobs=str(servers.new_blobs_folder()),
        jwt_key=uuid4().hex,
        address_key=ADDRESS_KEY,
    )
