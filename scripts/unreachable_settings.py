"""Settings to build the application from when only its OpenAPI description is needed."""

from infra.settings import Settings

UNREACHABLE_SETTINGS = Settings(
    database_url="postgresql://nowhere",
    migration_url="postgresql://nowhere",
    redis_url="redis://nowhere",
    broker_url="redis://nowhere",
    jwt_key="x" * 32,
    address_key="x" * 32,
)
"""Valid, but no server exists at any of these URLs."""
