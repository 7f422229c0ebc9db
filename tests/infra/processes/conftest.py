"""The embedded servers as programs to supervise."""

from tests.infra.embedded.conftest import broker, postgres

__all__ = ["broker", "postgres"]
