"""Credentials: password hashes (argon2id), stored outside the log so that they can be deleted."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from uuid import UUID

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from domain.errors import TooBusy, WrongCredentials
from infra.database.pool import Pool

_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
"""The minimum in OWASP's password storage cheat sheet for argon2id: 19 MiB, two passes, one lane."""
_MAX_CONCURRENT_HASHES, _MAX_PENDING_HASHES = 2, 200
"""Passwords hashed at once, and requests hashing or waiting to; any further request gets TooBusy."""
_DUMMY_HASH = _HASHER.hash("nobody's password")


class Passwords:
    """Stores and verifies passwords. Hashing is slow by design, so it runs in threads, a few at once."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._slots = asyncio.Semaphore(_MAX_CONCURRENT_HASHES)
        self._pending_count = 0

    async def store(self, user: UUID, password: str) -> None:
        """Store the hash of a new user's password."""
        hashed = await self.hash(password)
        async with self._pool.connection() as connection:
            sql = "insert into auth.credentials (user_id, password_hash) values (%s, %s)"
            await connection.execute(sql, (user, hashed))

    async def hash(self, password: str) -> str:
        """The hash of a password, safe to store. Raises TooBusy."""
        async with self._hashing_slot():
            return await asyncio.to_thread(_HASHER.hash, password)

    async def verify(self, user: UUID | None, password: str, rate_limit: AbstractAsyncContextManager[None]) -> str:
        """The stored hash of the user's password, if `password` matches it. Raises WrongCredentials or TooBusy.

        It takes as long for an unknown user. `rate_limit` is entered only once a hashing slot is free, so that few
        attempts are open at once.
        """
        hashed = await self._fetch_hash(user) if user else None
        async with self._hashing_slot(), rate_limit:
            is_match = await asyncio.to_thread(_matches, hashed or _DUMMY_HASH, password)
            if hashed is None or not is_match:
                raise WrongCredentials
        return hashed

    @contextlib.asynccontextmanager
    async def _hashing_slot(self) -> AsyncIterator[None]:
        if self._pending_count >= _MAX_PENDING_HASHES:
            raise TooBusy
        self._pending_count += 1
        try:
            async with self._slots:
                yield
        finally:
            self._pending_count -= 1

    async def _fetch_hash(self, user: UUID) -> str | None:
        async with self._pool.connection() as connection:
            sql = "select password_hash from auth.credentials where user_id = %s"
            row = await (await connection.execute(sql, (user,))).fetchone()
        return row[0] if row else None


def _matches(hashed: str, password: str) -> bool:
    try:
        return _HASHER.verify(hashed, password)
    except (VerificationError, InvalidHashError):
        return False
