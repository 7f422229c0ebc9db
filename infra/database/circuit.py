"""The circuit: open while PostgreSQL does not answer probes, so that requests fail at once and do not queue up."""

import psycopg

from infra.logs import logger


class DatabaseUnavailable(psycopg.OperationalError):
    """PostgreSQL does not answer."""


class Circuit:
    """Opened and closed by the probes of a process; closed where nothing probes."""

    def __init__(self) -> None:
        self.is_open = False
        self.opened_count = 0

    def open(self) -> None:
        """From now on `check` fails."""
        if not self.is_open:
            logger.warning("PostgreSQL does not answer: requests that need it are refused until it does")
            self.opened_count += 1
        self.is_open = True

    def close(self) -> None:
        """PostgreSQL answers again."""
        if self.is_open:
            logger.info("PostgreSQL answers again")
        self.is_open = False

    def check(self) -> None:
        """Raise DatabaseUnavailable while the circuit is open."""
        if self.is_open:
            raise DatabaseUnavailable("PostgreSQL does not answer.")
