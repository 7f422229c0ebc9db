"""The writer: it carries out what others relay, and whatever becomes of it, no command is lost or done twice."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import strategies as st
from msgspec import Struct

from commands.handling.append import OutcomeUnknown
from commands.handling.command_on import CommandOn
from commands.handling.handler import CommandHandler
from commands.handling.idempotency import IdempotencyKey
from commands.handling.outcome import Committed
from commands.handling.request import CommandRequest
from commands.task import CompleteTask, CreateTask, EditTask
from domain.errors import VersionConflict
from domain.event import Trace
from infra.ids import new_id
from infra.writer import client, server
from infra.writer.client import WriterClient
from infra.writer.frames import RelayedRequest, Reply, is_relayable
from infra.writer.relaying_handler import RelayingHandler
from infra.writer.server import WriterServer
from tests.examples import ADA, PROJECT, fixed_uuid7, project, workspace
from tests.in_memory_event_log import InMemoryEventLog
from tests.law import law
from tests.planted_defects import assert_async_check_fails
from tests.strategies import COMMAND_STRATEGIES


async def wait_until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not is_so():  # noqa: ASYNC110 - it is told by a property
            await asyncio.sleep(0.005)


class Relay(Struct, frozen=True):
    """Two processes on one log: what one is told, the other carries out."""

    log: InMemoryEventLog
    path: Path
    writer: CommandHandler
    relaying: RelayingHandler
    connection: WriterClient


def create(title: str = "Milk", key: str | None = None) -> CommandRequest:
    keys = (IdempotencyKey(key, b"print", content_as_sent=b"sent"),) if key else ()
    command = CommandOn(new_id(), CreateTask(project_id=PROJECT, title=title))
    return CommandRequest([command], ADA, new_id(), keys, Trace(new_id(), "cause"))


@contextlib.contextmanager
def open_listener(path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX) as listener:
        path.unlink(missing_ok=True)
        listener.bind(str(path))
        listener.listen()
        yield listener


@contextlib.asynccontextmanager
async def serving(path: Path, handle: Any) -> AsyncIterator[WriterServer]:
    with open_listener(path) as listener:
        started = WriterServer(listener, handle)
        await started.start()
        try:
            yield started
        finally:
            await started.close()


@contextlib.asynccontextmanager
async def relay(tmp_path: Path) -> AsyncIterator[Relay]:
    log = InMemoryEventLog([*workspace(), *project(PROJECT, "KIT")])
    connection = WriterClient(tmp_path / "writer")
    connecting = asyncio.create_task(connection.connect_forever())
    try:
        yield Relay(log, tmp_path / "writer", CommandHandler(log), RelayingHandler(connection, log), connection)
    finally:
        connecting.cancel()
        await asyncio.gather(connecting, return_exceptions=True)


async def test_a_relayed_command_is_carried_out_by_the_writer(tmp_path: Path) -> None:
    async with relay(tmp_path) as here:
        handled = list[CommandRequest]()

        async def handle(request: CommandRequest) -> Committed:
            handled.append(request)
            return await here.writer.handle(request)

        async with serving(here.path, handle):
            await wait_until(lambda: here.connection.is_up)
            request = create(key="once")
            committed = await here.relaying.handle(request)
        assert handled == [request]
        assert committed.results[0].id == request.commands[0].target
        assert here.log.history.version(request.commands[0].target) == 1


async def test_commands_are_decided_here_while_there_is_no_writer(tmp_path: Path) -> None:
    async with relay(tmp_path) as here:
        assert (await here.relaying.handle(create())).has_changes
        async with serving(here.path, here.writer.handle):
            await wait_until(lambda: here.connection.is_up)
        await wait_until(lambda: not here.connection.is_up)
        assert (await here.relaying.handle(create())).has_changes


async def test_a_refusal_has_all_that_its_answer_needs(tmp_path: Path) -> None:
    async with relay(tmp_path) as here, serving(here.path, here.writer.handle):
        await wait_until(lambda: here.connection.is_up)
        request = create()
        task = (await here.relaying.handle(request)).results[0].id
        stale = CommandRequest([CommandOn(task, EditTask(title="Oat milk", expected_version=7))], ADA, new_id())
        with pytest.raises(VersionConflict) as refused:
            await here.relaying.handle(stale)
        assert refused.value.stale_command.stream == task


async def the_outcome_is_unknown_when_the_writer_is_lost(tmp_path: Path) -> None:
    async with relay(tmp_path) as here:
        reached, never = asyncio.Event(), asyncio.Event()

        async def hang(_: CommandRequest) -> Committed:
            reached.set()
            await never.wait()
            raise AssertionError

        async with serving(here.path, hang) as lost:
            await wait_until(lambda: here.connection.is_up)
            handling = asyncio.create_task(here.relaying.handle(create()))
            await reached.wait()
            for connection in list(lost._connections):  # noqa: SLF001 - the process ends
                connection.close()
            outcome = (await asyncio.gather(handling, return_exceptions=True))[0]
            assert isinstance(outcome, OutcomeUnknown), outcome
            never.set()


async def test_the_outcome_is_unknown_when_the_writer_is_lost(tmp_path: Path) -> None:
    await the_outcome_is_unknown_when_the_writer_is_lost(tmp_path)


async def test_a_lost_writer_that_is_taken_for_a_refusal_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settle = client._Connection._settle  # noqa: SLF001 - the defect

    def settle_as_refused(self: Any, reply: Any) -> None:
        settle(self, type(reply)(reply.number, reply.committed))

    monkeypatch.setattr(client._Connection, "_settle", settle_as_refused)  # noqa: SLF001 - the defect
    await assert_async_check_fails(lambda: the_outcome_is_unknown_when_the_writer_is_lost(tmp_path))


async def test_a_frozen_writer_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "REPLY_S", 0.05)
    async with relay(tmp_path) as here:
        never = asyncio.Event()

        async def hang(_: CommandRequest) -> Committed:
            await never.wait()
            raise AssertionError

        async with serving(here.path, hang):
            await wait_until(lambda: here.connection.is_up)
            with pytest.raises(OutcomeUnknown):
                await here.relaying.handle(create())
            assert not here.connection.is_up
            never.set()


async def each_that_waits_too_long_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "REPLY_S", 0.2)
    async with relay(tmp_path) as here:
        never = asyncio.Event()

        async def hang_for_keys(request: CommandRequest) -> Committed:
            if request.idempotency_keys:
                await never.wait()
            return await here.writer.handle(request)

        async with serving(here.path, hang_for_keys):
            await wait_until(lambda: here.connection.is_up)
            first = asyncio.create_task(here.relaying.handle(create(key="first")))
            await asyncio.sleep(client.REPLY_S / 2)
            second = asyncio.create_task(here.relaying.handle(create(key="second")))
            while not first.done():
                assert (await here.relaying.handle(create())).has_changes
            done, waiting = await asyncio.wait([first, second], timeout=2)
            never.set()
            assert not waiting
            assert {type(task.exception()) for task in done} == {OutcomeUnknown}
            assert here.connection.is_up, "the writer answers others"


async def test_each_that_waits_too_long_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    await each_that_waits_too_long_is_given_up(tmp_path, monkeypatch)


async def test_a_timer_that_serves_only_one_request_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    give_up = client._Connection._give_up_oldest  # noqa: SLF001 - the defect

    def give_up_once(self: Any) -> None:
        give_up(self)
        self._timer.cancel() if self._timer else None

    monkeypatch.setattr(client._Connection, "_give_up_oldest", give_up_once)  # noqa: SLF001 - the defect
    await assert_async_check_fails(lambda: each_that_waits_too_long_is_given_up(tmp_path, monkeypatch))


async def test_a_writer_of_another_version_is_not_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "HERE", Reply(0, version="0.0.1"))
    async with relay(tmp_path) as here:
        handled = list[CommandRequest]()
        async with serving(here.path, handled.append) as serving_writer:
            await wait_until(lambda: bool(serving_writer._connections))  # noqa: SLF001 - it was greeted
            assert (await here.relaying.handle(create())).has_changes
        assert (handled, here.connection.is_up) == ([], False)


async def test_a_writer_that_goes_finishes_what_it_was_sent(tmp_path: Path) -> None:
    async with relay(tmp_path) as here:
        going = asyncio.Event()

        async def handle_slowly(request: CommandRequest) -> Committed:
            await going.wait()
            return await here.writer.handle(request)

        async with serving(here.path, handle_slowly) as stopping:
            await wait_until(lambda: here.connection.is_up)
            handling = asyncio.create_task(here.relaying.handle(create()))
            closing = asyncio.create_task(stopping.close())
            await wait_until(lambda: not here.connection.is_up)
            going.set()
            assert (await handling).has_changes
            await closing


async def test_many_at_once_share_the_writers_appends(tmp_path: Path) -> None:
    async with relay(tmp_path) as here, serving(here.path, here.writer.handle):
        await wait_until(lambda: here.connection.is_up)
        done = await asyncio.gather(*(here.relaying.handle(create(f"Milk {n}")) for n in range(50)))
        assert len({one.results[0].key for one in done}) == 50
        assert here.log.append_count < 25


def test_a_dry_run_is_not_relayed() -> None:
    command = CommandOn(fixed_uuid7(1), CompleteTask())
    assert is_relayable(CommandRequest([command], ADA, new_id()))
    assert not is_relayable(CommandRequest([command], ADA, new_id(), is_dry_run=True))


@law(st.one_of(*COMMAND_STRATEGIES.values()), examples=300)
def every_command_arrives_as_it_was_sent(command_on: CommandOn) -> None:
    request = CommandRequest([command_on], ADA, fixed_uuid7(2), scope="write")
    encoded = msgspec.msgpack.encode(RelayedRequest.of(7, request))
    assert msgspec.msgpack.decode(encoded, type=RelayedRequest).to_request() == request


def test_every_command_arrives_as_it_was_sent() -> None:
    every_command_arrives_as_it_was_sent()
