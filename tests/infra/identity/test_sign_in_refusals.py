"""Refused sign-ins: summed by account and minute, bounded, and never lost to a failed append."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from uuid import UUID

import pytest

from commands.access import AccessCommand, RecordRefusals, RefusedSignIns
from domain.errors import TooBusy, TooManyGuesses, WrongCredentials
from domain.event import Actor
from domain.instance import RULE_ACTOR
from infra import clock
from infra.identity import sign_in_refusals
from infra.identity.access_log import AccessLog
from infra.identity.email_addresses import EmailAddresses
from infra.identity.sign_in_refusals import SignInRefusals
from tests.examples import ADA

MINUTE = datetime(2026, 12, 1, 8, 30, tzinfo=UTC)


class _Addresses:
    async def find_users(self, emails: list[str]) -> list[UUID | None]:
        return [ADA.id if email == "ada@example.org" else None for email in emails]


class _Log:
    def __init__(self) -> None:
        self.recorded: list[tuple[Actor, AccessCommand]] = []
        self.error: Exception | None = None
        self.written = asyncio.Event()

    async def record(self, actor: Actor, command: AccessCommand) -> None:
        if self.error:
            raise self.error
        self.recorded.append((actor, command))
        self.written.set()


class _Clock:
    """The clock of a test, which a test sets."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.time = MINUTE + timedelta(seconds=7)
        monkeypatch.setattr(clock, "now", lambda: self.time)


@pytest.fixture
def log() -> _Log:
    return _Log()


@pytest.fixture
def refusals(log: _Log) -> SignInRefusals:
    return SignInRefusals(cast("EmailAddresses", _Addresses()), cast("AccessLog", log))


def refuse(refusals: SignInRefusals, email: str, error: type[Exception] = WrongCredentials) -> None:
    with pytest.raises(error), refusals.counted(email):
        raise error


def recorded(log: _Log) -> list[RefusedSignIns]:
    """All sums, of one append."""
    ((actor, command),) = log.recorded
    assert actor == RULE_ACTOR
    assert isinstance(command, RecordRefusals)
    return list(command.refused)


async def test_spellings_of_an_address_are_one_account(refusals: SignInRefusals, log: _Log, clocked: _Clock) -> None:
    refuse(refusals, "ada@example.org")
    refuse(refusals, "ADA@Example.org", TooManyGuesses)
    refuse(refusals, "nobody@example.org")
    refuse(refusals, "another@example.org")
    refuse(refusals, "ada@example.org", TooBusy)
    await refusals.record()
    assert recorded(log) == [RefusedSignIns(MINUTE, 2, ADA.id), RefusedSignIns(MINUTE, 2)]


async def test_only_minutes_that_are_over_are_recorded(refusals: SignInRefusals, log: _Log, clocked: _Clock) -> None:
    refuse(refusals, "ada@example.org")
    await refusals.record(MINUTE)
    assert log.recorded == []
    clocked.time += timedelta(minutes=1)
    refuse(refusals, "ada@example.org")
    await refusals.record(MINUTE + timedelta(minutes=1))
    assert recorded(log) == [RefusedSignIns(MINUTE, 1, ADA.id)]


async def test_accounts_beyond_the_bound_are_one_sum(
    refusals: SignInRefusals, log: _Log, clocked: _Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sign_in_refusals, "MAX_ACCOUNTS", 2)
    for number in range(5):
        refuse(refusals, f"{number}@example.org")
    refuse(refusals, "ada@example.org")
    await refusals.record()
    assert recorded(log) == [RefusedSignIns(MINUTE, 6)]


async def test_what_is_not_written_is_recorded_later(refusals: SignInRefusals, log: _Log, clocked: _Clock) -> None:
    refuse(refusals, "ada@example.org")
    log.error = TooBusy()
    with pytest.raises(TooBusy):
        await refusals.record()
    log.error = None
    refuse(refusals, "ada@example.org")
    await refusals.record()
    assert recorded(log) == [RefusedSignIns(MINUTE, 2, ADA.id)]


async def test_a_minute_is_recorded_once_it_is_over(refusals: SignInRefusals, log: _Log, clocked: _Clock) -> None:
    clocked.time = MINUTE + timedelta(seconds=59.99)
    refuse(refusals, "ada@example.org")
    recording = asyncio.create_task(refusals.record_forever())
    await asyncio.sleep(0)  # it waits for the end of this minute
    clocked.time = MINUTE + timedelta(minutes=1)
    async with asyncio.timeout(10):
        await log.written.wait()
    recording.cancel()
    assert recorded(log) == [RefusedSignIns(MINUTE, 1, ADA.id)]


async def test_without_refusals_nothing_is_recorded(refusals: SignInRefusals, log: _Log) -> None:
    with refusals.counted("ada@example.org"):
        pass
    await refusals.record()
    assert log.recorded == []


@pytest.fixture
def clocked(monkeypatch: pytest.MonkeyPatch) -> Any:
    return _Clock(monkeypatch)
