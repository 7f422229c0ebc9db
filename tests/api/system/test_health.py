"""Readiness: a process says why it is not ready, and does not ask another server for it."""

import httpx
import psycopg
import pytest

from infra.settings import Settings
from tests.api.guarantees import eventually
from tests.api.in_process_app import app_client, without_a_database

pytestmark = pytest.mark.asyncio(loop_scope="package")
READY = "http://test/health/ready"


async def ready_with(client: httpx.AsyncClient, detail: str) -> httpx.Response:
    """The refusal that gives this reason."""
    return await eventually(lambda: client.get(READY), lambda found: detail in found.json().get("detail", ""))


async def test_a_process_with_all_it_needs_is_ready(settings: Settings) -> None:
    async with app_client(settings) as client:
        await eventually(lambda: client.get(READY), lambda found: found.status_code == 200)


async def test_a_process_without_a_database_is_live_and_not_ready(settings: Settings) -> None:
    async with app_client(without_a_database(settings)) as client:
        assert (await ready_with(client, "The database does not answer.")).status_code == 503
        for path in ("/health", "/health/live"):
            assert (await client.get(f"http://test{path}")).status_code == 200


async def test_a_process_whose_database_lacks_a_migration_is_not_ready(isolated_settings: Settings) -> None:
    with psycopg.connect(isolated_settings.migration_url, autocommit=True) as owner:
        owner.execute("delete from public._yoyo_migration where migration_id like '0015%'")
        async with app_client(isolated_settings) as client:
            assert (await ready_with(client, "0015.no-personal-snapshots")).status_code == 503
            owner.execute(
                "insert into public._yoyo_migration (migration_hash, migration_id, applied_at_utc) "
                "values ('again', '0015.no-personal-snapshots', now())"
            )
            await eventually(lambda: client.get(READY), lambda found: found.status_code == 200)


async def test_a_process_without_its_read_models_is_not_ready(isolated_settings: Settings) -> None:
    with psycopg.connect(isolated_settings.database_url, autocommit=True) as connection:
        connection.execute("delete from read.serving where projection = 'activity'")
        async with app_client(isolated_settings) as client:
            await ready_with(client, "Read models are being built.")
