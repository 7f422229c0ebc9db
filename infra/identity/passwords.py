"""Credentials: password hashes, stored outside the log so that they can be deleted."""

import contextlib
from collections.abc import AsyncIterator
from uuid import UUID

from domain.errors import WrongCredentials
from infra.database.pool import Pool
from infra.identity.hashing import HashingTurns, Purpose, hash_password, is_hash_of


class Passwords:
    """Stores and verifies passwords, for network clients in their `turn`."""

    _turns: HashingTurns

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._turns = HashingTurns()

    @contextlib.asynccontextmanager
    async def turn(self, purpose: Purpose, network: str) -> AsyncIterator[None]:
        """Runs the block when it is the turn of a client of this network; raises TooBusy if too many wait.

        Whatever a client may ask for before it is known belongs in the block, so that a crowd does not use up the
        connections to the database either.
        """
        async with self._turns.turn(purpose, network):
            yield

    async def store(self, user: UUID, hashed: str) -> None:
        """Store the hash of a new user's password."""
        async with self._pool.connection() as connection:
            sql = "insert into auth.credentials (user_id, password_hash) values (%s, %s)"
            await connection.execute(sql, (user, hashed))

    async def hash(self, password: str) -> str:
        """The hash of a password, safe to store."""
        return await hash_password(password)

    async def verify(self, user: UUID | None, password: str) -> str:
        """The stored hash of the user's password, if `password` matches it; else raises WrongCredentials.

        It takes as long for an unknown user.
        """
        hashed = await self._fetch_hash(user) if user else None
        is_match = await is_hash_of(hashed, password)
        if hashed is None or not is_match:
            raise WrongCredentials
        return hashed

    async def _fetch_hash(self, user: UUID) -> str | None:
        async with self._pool.connection() as connection:
            sql = "select password_hash from auth.credentials where user_id = %s"
            row = await (await connection.execute(sql, (user,))).fetchone()
        return row[0] if row else None
